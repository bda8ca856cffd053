"""Long measurements, with the commands that make them and the results they gave; never run by the tests."""
