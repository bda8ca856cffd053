"""nbgrader's settings for a course with this assignment; put it at the root of the course folder."""

c = get_config()  # noqa: F821  nbgrader provides it

c.CourseDirectory.course_id = "minigen"
c.ExecutePreprocessor.timeout = 60  # seconds a cell may take; the whole solution takes about two
