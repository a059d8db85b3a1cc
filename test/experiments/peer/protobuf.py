"""Protocol buffers, as far as halo catalogues have them: tf.train.Example has no class outside of TensorFlow."""


def fields(message):
    """The length-delimited fields of a protocol buffer: (number, bytes)."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            varint()
            continue
        assert key & 7 == 2, "a field of another kind"
        length = varint()
        yield key >> 3, message[at : at + length]
        at += length
