# Makes the files beside it, and expected.json, which says what is in them: `python3 make.py`, with NumPy. No program that writes LAS was at
# hand, so they are laid out by the specification (LAS 1.4 - R15); that others read them as they are meant shows check.mjs.
import json
import struct
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
n = 5
scale, offset = np.array([0.01, 0.001, 0.5]), np.array([500000.0, -20.25, 1000])
xyz = np.array([[0, -1, 7], [150, 2**31 - 1, -7], [-12345, 3, 0], [99, -(2**31), 1], [1, 2, 3]], np.int32)
returns = np.array([[1, 1], [1, 3], [2, 3], [3, 3], [7, 7]])
rgb = np.array([[0, 1, 2], [65535, 256, 255], [300, 400, 500], [1, 1, 1], [9, 8, 7]], np.uint16)
time = np.array([0.0, 1.5, -3.25, 123456.789, 3.1e8])
position = [(axis, "<i4") for axis in "XYZ"]
old = [*position, ("intensity", "<u2"), ("returns", "u1"), ("class", "u1"), ("angle", "i1"), ("user", "u1"), ("source", "<u2")]
new = [
    *position,
    *[("intensity", "<u2"), ("returns", "u1"), ("flags", "u1"), ("class", "u1"), ("user", "u1"), ("angle", "<i2")],
    *[("source", "<u2"), ("time", "<f8")],
]
colour = [(name, "<u2") for name in ("red", "green", "blue")]
wave = [("wave", "V29")]
formats = {
    **{0: old, 1: [*old, ("time", "<f8")], 2: [*old, *colour], 3: [*old, ("time", "<f8"), *colour]},
    **{5: [*old, ("time", "<f8"), *colour, *wave], 6: new, 7: [*new, *colour]},
    10: [*new, *colour, ("nir", "<u2"), *wave],
}
# Name, kind, values, and what the record of extra bytes says: options, missing value, scale and offset.
all_extras = [
    ("height", 9, np.array([0.5, -1, 2.25, 1e30, 7], "<f4"), {}),
    ("width", 4, np.array([-3, 4, -9999, 32767, 0], "<i2"), {"missing": -9999, "scale": 0.25, "offset": 10.0}),
    ("count", 7, np.array([0, 1, 2**40, 3, 2**50], "<u8"), {}),
    ("normal", 29, np.arange(15, dtype="<f4").reshape(5, 3) / 4 - 1, {}),
    ("", 0, np.zeros(5, "V3"), {}),
    ("Höhe", 2, np.array([-128, 127, 0, 1, -1], "i1"), {}),
]


def record(name, kind, values, said):
    options = 1 * ("missing" in said) | 8 * ("scale" in said) | 16 * ("offset" in said)
    head = struct.pack("<2xBB32s4x", kind, values.dtype.itemsize if kind == 0 else options, name.encode())
    three = lambda kind, value: struct.pack(f"<3{kind}", *[value] * 3)
    return (
        head + three("q", said.get("missing", 0)) + bytes(48) + three("d", said.get("scale", 0)) + three("d", said.get("offset", 0))
    ).ljust(192, b"\0")


expected = {}
for name, minor, kind, with_extras, count in [
    ("1.0-format-0", 0, 0, False, n),
    ("1.1-format-1", 1, 1, False, n),
    ("1.2-format-2", 2, 2, True, n),
    ("1.2-format-3", 2, 3, False, n),
    ("1.3-format-5", 3, 5, False, n),
    ("1.4-format-6", 4, 6, True, n),
    ("1.4-format-7", 4, 7, False, n),
    ("1.4-format-10", 4, 10, True, n),
    ("1.4-empty", 4, 6, False, 0),
]:
    is_new = kind >= 6
    dtype = [*formats[kind]]
    # Vectors are of older versions, and copc refuses them.
    extras = [one for one in all_extras if one[0] != "normal" or kind != 6]
    if with_extras:
        dtype += [(f"extra{i}", values.dtype, values.shape[1:]) for i, (_, _, values, _) in enumerate(extras)]
    points = np.zeros(n, dtype)
    for axis, letter in enumerate("XYZ"):
        points[letter] = xyz[:, axis]
    points["intensity"] = [0, 1, 65535, 300, 7]
    points["user"] = [0, 255, 1, 2, 3]
    points["source"] = [1, 65535, 3, 4, 5]
    said = {
        "intensity": points["intensity"],
        "user_data": points["user"],
        "point_source_id": points["source"],
        "return_number": returns[:, 0],
        "number_of_returns": returns[:, 1],
        "scan_direction_flag": [0, 1, 0, 1, 1],
        "edge_of_flight_line": [1, 0, 0, 0, 1],
        "synthetic": [0, 1, 0, 0, 1],
        "key_point": [0, 0, 1, 0, 1],
        "withheld": [0, 0, 0, 1, 1],
    }
    directions = np.array(said["scan_direction_flag"]) << 6 | np.array(said["edge_of_flight_line"]) << 7
    flags = sum(np.array(said[key]) << bit for bit, key in enumerate(("synthetic", "key_point", "withheld")))
    if is_new:
        said |= {"overlap": [1, 0, 0, 0, 1], "scanner_channel": [0, 1, 2, 3, 3], "classification": [0, 2, 31, 32, 255]}
        points["returns"] = returns[:, 0] | returns[:, 1] << 4
        points["flags"] = flags | np.array(said["overlap"]) << 3 | np.array(said["scanner_channel"]) << 4 | directions
        points["class"] = said["classification"]
        points["angle"] = [0, 30000, -30000, 1, -1]
        said["scan_angle"] = points["angle"] * 0.006
    else:
        said["classification"] = [0, 2, 31, 5, 6]
        points["returns"] = returns[:, 0] | returns[:, 1] << 3 | directions
        points["class"] = np.array(said["classification"]) | flags << 5
        points["angle"] = [0, 90, -90, 1, -1]
        said["scan_angle"] = points["angle"]
    if "time" in points.dtype.names:
        points["time"] = said["gps_time"] = time
    if "red" in points.dtype.names:
        for i, (letter, _) in enumerate(colour):
            points[letter] = said[letter] = rgb[:, i]
    if "nir" in points.dtype.names:
        points["nir"] = said["nir"] = [5, 4, 3, 2, 65535]
    # A record of another kind first.
    records = [struct.pack("<2x16sHH32s", b"LASF_Projection", 34735, 3, b"keys") + b"abc"]
    if with_extras:
        described = b"".join(record(*one) for one in extras)
        records.append(struct.pack("<2x16sHH32s", b"LASF_Spec", 4, len(described), b"") + described)
        for i, (key, _, values, more) in enumerate(extras):
            points[f"extra{i}"] = values
            if key:
                said[key] = values * more.get("scale", 1) + more.get("offset", 0)
                if "missing" in more:
                    said[key] = np.where(values == more["missing"], np.nan, said[key])
    points = points[:count]
    whole = xyz[:count] * scale + offset
    size = {3: 235, 4: 375}.get(minor, 227)
    # Before version 1.4, two bytes may follow the records; and there may be bytes after the points.
    begin = size + sum(map(len, records)) + (2 if minor == 0 else 0)
    low, high = (whole.min(0), whole.max(0)) if count else (np.zeros(3), np.zeros(3))
    header = struct.pack("<4sHH16xBB32s32sHHHIIBH", b"LASF", 0, 0, 1, minor, b"TEST", b"make.py", 1, 2024, size, begin, len(records), kind, points.dtype.itemsize)
    header += struct.pack("<I20x", 0 if is_new else count) + scale.astype("<f8").tobytes() + offset.astype("<f8").tobytes()
    header += np.stack([high, low], 1).astype("<f8").tobytes()
    if minor == 4:
        header += struct.pack("<QQIQ120x", 0, 0, 0, count)
    content = header.ljust(size, b"\0") + b"".join(records)
    (folder / f"{name}.las").write_bytes(content.ljust(begin, b"\0") + points.tobytes())
    number = lambda value: None if np.isnan(value) else float(value)
    if count:
        attributes = {key: [number(value) for value in np.ravel(values)] for key, values in said.items()}
        expected[f"{name}.las"] = {"positions": whole.ravel().tolist(), "attributes": attributes}
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
