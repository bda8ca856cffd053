"""The colours of a day: what each part of a still looks like at each hour."""

import numpy as np

PARTS = ("zenith", "middle", "horizon", "cloud", "far", "near", "wall", "ground", "disc", "glow")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # grey from red, green, blue: ITU-R BT.601, as Pillow's mode L

# One row an hour: the time, then for each of PARTS a colour in sRGB, 0–255.  Time 0 is midnight.
_DAY = [
    # time  zenith     middle     horizon    cloud      far hills  near hills walls      ground     disc       glow
    (0.00, "070c22", "16285a", "4a76a8", "34507c", "16284c", "081022", "080c18", "050812", "f8faff", "6c8cc4"),
    (0.17, "0c1438", "2a3270", "6a6ca4", "4a4a80", "1e2a50", "0c1226", "0a0e1e", "070a16", "f8faff", "6a80b8"),
    (0.22, "24306a", "7c5c98", "ec8c94", "c46c8c", "46406e", "1e2040", "181a34", "100f22", "fff0d8", "ff9c7c"),
    (0.28, "5478b8", "e0a4b8", "ffdca4", "ffd0bc", "84749a", "423c60", "363656", "1f2036", "fffae8", "ffcc94"),
    (0.36, "3a84c8", "98c8e0", "f8f0d8", "fffaf0", "7090aa", "385468", "42505e", "24342f", "fffdf0", "fff2cc"),
    (0.50, "1a68b8", "6cb8e8", "e0f4f8", "ffffff", "6694a8", "2e5c46", "46566a", "284a30", "fffff8", "fffce8"),
    (0.64, "2468a4", "94bcc0", "ffecba", "fff6e2", "748c94", "344848", "3e4854", "28332a", "fffbe8", "ffecb8"),
    (0.72, "16506e", "d89c68", "ffc050", "ffca88", "6c545c", "2a2c38", "20242e", "17181e", "fff6cc", "ffc868"),
    (0.78, "141f4a", "883e6c", "ff6c38", "e45c54", "382648", "15142c", "100f20", "0a0a16", "ffdc98", "ff8040"),
    (0.84, "0c1640", "343c80", "a8648c", "604e7c", "222a52", "0c1228", "0a0d1c", "06080f", "f8faff", "7c7cb4"),
    (1.00, "070c22", "16285a", "4a76a8", "34507c", "16284c", "081022", "080c18", "050812", "f8faff", "6c8cc4"),
]
_TIMES = np.array([row[0] for row in _DAY])
_COLOURS = np.array(
    [[[int(code[k : k + 2], 16) / 255 for k in (0, 2, 4)] for code in row[1:]] for row in _DAY], np.float32
)


def palette(time: np.ndarray, channels: int) -> dict[str, np.ndarray]:
    """Part → colours (N, C) in [0, 1] at each time (N,) of the day; one channel is the luma of the three."""
    hour = np.searchsorted(_TIMES, time, side="right") - 1
    hour = np.minimum(hour, len(_TIMES) - 2)
    share = (time - _TIMES[hour]) / (_TIMES[hour + 1] - _TIMES[hour])
    share = share.astype(np.float32)[:, None, None]
    colours = _COLOURS[hour] * (1 - share) + _COLOURS[hour + 1] * share  # (N, parts, 3)
    if channels == 1:
        colours = colours @ LUMA[:, None]
    return {part: colours[:, k] for k, part in enumerate(PARTS)}
