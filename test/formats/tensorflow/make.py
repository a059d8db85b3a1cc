# Makes the file beside it, which tensorflow.unit.test.ts reads: `python3 make.py`, with TensorBoard (2.21 when it was made),
# whose writer of records and TensorProto it is, and protobuf, told of tf.train.Example.
from pathlib import Path

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorboard.compat.proto import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

Field = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")


def message(name, *fields):
    result = file.message_type.add(name=name)
    for number, (field, kind, repeated) in enumerate(fields, 1):
        label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
        added = result.field.add(name=field, number=number, label=label)
        if isinstance(kind, str):
            added.type, added.type_name = Field.TYPE_MESSAGE, f".tensorflow.{kind}"
        else:
            added.type = kind
    return result


message("BytesList", ("value", Field.TYPE_BYTES, True))
message("FloatList", ("value", Field.TYPE_FLOAT, True))
message("Int64List", ("value", Field.TYPE_INT64, True))
message("Feature", ("bytes_list", "BytesList", False), ("float_list", "FloatList", False), ("int64_list", "Int64List", False))
features = message("Features", ("feature", "Features.FeatureEntry", True))
entry = features.nested_type.add(name="FeatureEntry")
entry.options.map_entry = True
entry.field.add(name="key", number=1, label=Field.LABEL_OPTIONAL, type=Field.TYPE_STRING)
value = entry.field.add(name="value", number=2, label=Field.LABEL_OPTIONAL, type=Field.TYPE_MESSAGE)
value.type_name = ".tensorflow.Feature"
message("Example", ("features", "Features", False))
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Example = message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


def tensor(array, as_values=False):
    array = np.asarray(array)
    types = {"float32": types_pb2.DT_FLOAT, "float64": types_pb2.DT_DOUBLE, "int64": types_pb2.DT_INT64}
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=n) for n in array.shape])
    result = tensor_pb2.TensorProto(dtype=types[array.dtype.name], tensor_shape=shape)
    if as_values:
        result.float_val.extend(array.ravel().tolist())
    else:
        result.tensor_content = array.tobytes()
    return result.SerializeToString()


folder = Path(__file__).parent
with open(folder / "records.tfrecord", "wb") as stream:
    writer = RecordWriter(stream)
    for k in range(3):
        example = Example()
        feature = example.features.feature
        feature["x"].bytes_list.value.append(tensor((np.arange(300) / 8 + k).astype(np.float32)))
        feature["values"].bytes_list.value.append(tensor(np.float32([[0.5, -2, 3]]), as_values=True))
        feature["scalar"].bytes_list.value.append(tensor(np.float32(0.3175)))
        feature["double"].bytes_list.value.append(tensor(np.array([0.1, k])))
        feature["counts"].bytes_list.value.append(tensor(np.array([2**62, -1])))
        feature["floats"].float_list.value.extend([0.25, k])
        feature["integers"].int64_list.value.extend([2**62, -k])
        feature["text"].bytes_list.value.append(b"hello")
        writer.write(example.SerializeToString())
