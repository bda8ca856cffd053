"""What a body does in one cycle of each action: the hips' path and turns, the trunk, the head, the arms, the footwork.

A cycle is two steps of walking or running, one hop, or two breaths of standing.  Everything is made of waves of whole
numbers a cycle and of `smooth` parts, so that the pose after a cycle is the pose before it.  Arrays are (N, T) or
(N, 1), lengths in metres, angles in radians; left is +x, up is +y, forward is +z.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from minigen.data.motion_body import Arm, Body
from minigen.data.motion_feet import Steps, smooth, swell
from minigen.data.motion_figure import BALL
from minigen.data.motion_parts import Asked, beat, hanging, head, stand, swinging

GRAVITY = 9.81  # m/s²
SECONDS = {"idle": 3.2, "walk": 1.0, "run": 11 / 15, "jump": 1.4, "wave": 3.2}  # of a cycle at the usual tempo
SINK = 0.28  # seconds in which a jump is caught, and in which it is made


def walk(a: Asked, cycles: np.ndarray) -> Body:
    """Two steps, each with a moment in which both feet are planted; highest over the planted foot."""
    planted = 0.54 - 0.05 * (a.stride - 1)
    length = 1.04 * a.stride
    stance = planted / 2  # when the hips are over the left foot
    rise = (0.006 + 0.026 * a.bounce) * beat(cycles, 2, stance)
    swing = 0.06 + 0.54 * a.arm_swing
    apart, toe_out = stand(a, 0.075, 0.12)
    steps = Steps(
        length=length,
        lands=(0.0, 0.5),
        at=(length * stance, length * (stance + 0.5)),
        planted=planted,
        heel_up=0.75 * a.stride**0.5,
        toe_up=0.25,
        lift=0.05 + 0.02 * a.bounce,
        push=0.09,
        load=0.06,
        apart=apart,
        toe_out=toe_out,
    )
    return Body(
        path=(0.022 * beat(cycles, 1, stance), rise, length * cycles),
        hips=(-0.13 * a.stride * beat(cycles, 1, 0.0), 0.2 * a.lean, 0.05 * beat(cycles, 1, stance)),
        trunk=(
            (0.13 * a.stride + 0.05 + 0.12 * a.arm_swing) * beat(cycles, 1, 0.03),
            0.8 * a.lean + 0.02 * beat(cycles, 2, 0.1),
            -0.06 * beat(cycles, 1, stance),
        ),
        head=head(a, cycles, -(0.05 + 0.1 * a.arm_swing) * beat(cycles, 1, 0.03)),
        arms=swinging(a, cycles, swing, elbow=0.25 + 0.25 * a.arm_swing, bend=0.3 * a.arm_swing, out=0.10),
        steps=steps,
    )


def run(a: Asked, cycles: np.ndarray) -> Body:
    """Two leaps from foot to foot; lowest over the planted foot, highest with both feet in the air."""
    planted = 0.24 - 0.04 * (a.stride - 1)
    length = 1.8 * a.stride
    stance = planted / 2
    rise = -(0.014 + 0.026 * a.bounce) * beat(cycles, 2, stance)
    swing = 0.12 + 0.75 * a.arm_swing
    apart, toe_out = stand(a, 0.055, 0.08)
    steps = Steps(
        length=length,
        lands=(0.0, 0.5),
        at=(length * (stance - 0.01), length * (stance + 0.49)),
        planted=planted,
        heel_up=1.2,
        toe_up=0.15,
        lift=0.20 + 0.06 * a.stride,
        peak=0.48,
        push=0.09,
        load=0.04,
        apart=apart,
        toe_out=toe_out,
    )
    return Body(
        path=(0.012 * beat(cycles, 1, stance), rise, length * cycles),
        hips=(-0.16 * a.stride * beat(cycles, 1, 0.0), 0.06 + 0.2 * a.lean, 0.05 * beat(cycles, 1, stance)),
        trunk=(
            (0.16 * a.stride + 0.08 + 0.22 * a.arm_swing) * beat(cycles, 1, 0.03),
            0.8 * a.lean + 0.03 * beat(cycles, 2, stance),
            -0.06 * beat(cycles, 1, stance),
        ),
        head=head(a, cycles, -(0.08 + 0.2 * a.arm_swing) * beat(cycles, 1, 0.03)),
        arms=swinging(a, cycles, swing, elbow=1.5, bend=0.3 * a.arm_swing, out=0.16, twist=-0.2, back=0.15),
        steps=steps,
    )


def jump(a: Asked, cycles: np.ndarray) -> Body:
    """A hop on both feet: land, sink, rise a little, crouch, take off, and fly as a thrown body does.

    In the air the hips follow ½ g t (T − t), which rises by g T² / 8; `bounce` makes that 0.10 to 0.30 m.
    """
    period = SECONDS["jump"] / a.speed
    flight = np.sqrt(8 * (0.10 + 0.20 * a.bounce) / GRAVITY)
    push, load = 0.10, 0.06  # seconds
    ground = period - flight
    hop = 0.55 * a.stride
    reach = 0.11 * a.stride  # how far the hips are behind the feet as they land, and ahead as they leave
    pace = (hop - 2 * reach) / flight

    w = cycles + load / period
    k = np.floor(w)
    t = (w - k) * period  # seconds since the feet touched the ground
    aloft = np.maximum(t - ground, 0.0)
    near = np.minimum(np.minimum(t, np.maximum(ground - t, 0.0)) / SINK, 1.0)  # 0 in the air, 1 deep in the crouch
    depth = 0.11 + 0.09 * a.bounce
    between = ground - 2 * SINK
    low = _brake(near, SINK, -GRAVITY * flight / 2, -GRAVITY, -depth)
    low += 0.35 * depth * smooth(between / 0.5) * swell(t, SINK, ground / 2, ground - SINK)
    rise = np.where(t < ground, low, GRAVITY * aloft * (flight - aloft) / 2)
    over = reach - _brake(near, SINK, pace, 0.0, reach)
    forward = k * hop + np.where(t < ground / 2, -over, over) + pace * aloft

    crouch = smooth(t / SINK) * smooth((ground + 0.06 - t) / 0.32)
    back = swell(t, 0.12, ground - 0.30, ground - 0.08)  # the arms, before they fling the body up
    since = (t - ground / 2) % period + ground / 2  # t, but starting anew in the middle of the crouch
    leap = swell(since, ground - 0.27, ground + 0.06, period + 0.16)
    size = 0.2 + 0.8 * a.arm_swing
    left, right = (
        Arm(
            raised=0.14 + 0.03 * a.quirk(4 + side) + 0.25 * size * leap,
            forward=size * (2.1 * leap - 0.75 * back) * (1 + 0.06 * a.quirk(6 + side)),
            elbow=0.25 + 0.35 * size * (leap + back),
        )
        for side in (0, 1)
    )
    apart, toe_out = stand(a, 0.10, 0.10)
    steps = Steps(
        length=hop,
        lands=(0.0, 0.0),
        at=(np.zeros_like(hop), np.zeros_like(hop)),
        planted=(ground - push - load) / period,
        heel_up=0.95,
        toe_up=-0.35,  # the toes come down first
        lift=0.14 + 0.20 * a.bounce,
        push=push / period,
        load=load / period,
        peak=0.56,
        pivot=BALL,
        apart=apart,
        toe_out=toe_out,
    )
    bent = (0.30 + 1.5 * depth) * crouch
    none = np.zeros_like(t)
    return Body(
        path=(none, rise, forward),
        hips=(none, 0.2 * a.lean + 0.6 * bent, none),
        trunk=(none, 0.8 * a.lean + 0.6 * bent, none),
        head=head(a, cycles, none, nod=-0.8 * bent),
        arms=(left, right),
        steps=steps,
    )


def idle(a: Asked, cycles: np.ndarray) -> Body:
    """Standing on both feet: two breaths and one shift of the weight from the left foot to the right."""
    shift = beat(cycles, 1, 0.25 + 0.05 * a.quirk(0))
    breath = beat(cycles, 2, 0.1)
    swing = 0.02 + 0.18 * a.arm_swing
    still = np.zeros_like(a.stride)
    apart, toe_out = stand(a, 0.115 * a.stride, 0.16)
    steps = Steps(
        length=still,
        lands=(0.0, 0.0),
        at=(still, still),
        planted=still + 1,
        push=0.0,
        load=0.0,
        apart=apart,
        toe_out=toe_out,
    )
    return Body(
        path=(0.03 * shift, (0.002 + 0.010 * a.bounce) * breath, 0.008 * beat(cycles, 2, 0.3)),
        hips=(0.05 * shift, 0.2 * a.lean, 0.04 * shift),
        trunk=(-0.03 * shift, 0.8 * a.lean - (0.01 + 0.02 * a.bounce) * breath, -0.06 * shift),
        head=head(a, cycles, 0.10 * beat(cycles, 1, 0.5 * a.quirk(1)), more=3.0),
        arms=hanging(a, cycles, swing, breath),
        steps=steps,
    )


def wave(a: Asked, cycles: np.ndarray) -> Body:
    """Standing, the right arm raised and the hand waving four times a cycle; `arm_swing` is how far."""
    body = idle(a, cycles)
    there = beat(cycles, 4, 0.0)
    late = beat(cycles, 4, 0.03)
    size = 0.12 + 0.5 * a.arm_swing
    raised = Arm(
        raised=1.62 + 0.10 * a.quirk(5) + 0.15 * size * there,
        forward=np.full_like(a.speed, 0.15),
        twist=1.35 + 0.1 * a.quirk(7),
        elbow=1.35 + size * there,
        wrist=0.5 * size * late,
        collar=0.22,
    )
    turn, tilt, roll = body.trunk
    return replace(body, trunk=(turn, tilt, roll + 0.05 + 0.02 * there), arms=(body.arms[0], raised))


CYCLES: dict[str, Callable[[Asked, np.ndarray], Body]] = {
    "idle": idle,
    "walk": walk,
    "run": run,
    "jump": jump,
    "wave": wave,
}


def _brake(s, seconds, speed, acceleration, to):
    """The quintic from 0, at this speed and acceleration, to rest at `to`; s goes from 0 to 1 in so many seconds."""
    return (
        speed * seconds * s * (1 + s * s * (-6 + s * (8 - 3 * s)))
        + acceleration * seconds**2 * s * s / 2 * (1 + s * (-3 + s * (3 - s)))
        + to * smooth(s)
    )
