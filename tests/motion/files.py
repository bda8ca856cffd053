"""BVH texts for the tests: a small figure whose channels, offsets and frames can be exchanged one by one."""

ZXY = "Zrotation Xrotation Yrotation"
SIX = f"6 Xposition Yposition Zposition {ZXY}"
FRAME = "1 90 2 10 20 30 40 50 60 0 0 5"


def figure(root=SIX, spine=f"3 {ZXY}", leg=f"3 {ZXY}"):
    """Hips with a Spine and a Leg, in cm: 12 channels."""
    return f"""HIERARCHY
ROOT Hips
{{
  OFFSET 0 90 0
  CHANNELS {root}
  JOINT Spine
  {{
    OFFSET 0 50 0
    CHANNELS {spine}
    End Site
    {{
      OFFSET 0 20 0
    }}
  }}
  JOINT Leg
  {{
    OFFSET 10 -40 0
    CHANNELS {leg}
    End Site
    {{
      OFFSET 0 -50 0
    }}
  }}
}}
"""


def motion(*rows, frames=None, time="Frame Time: 0.0333333"):
    announced = len(rows) if frames is None else frames
    return "\n".join(["MOTION", f"Frames: {announced}", time, *rows, ""])


def save(path, text):
    path.write_bytes(text.encode())
    return path
