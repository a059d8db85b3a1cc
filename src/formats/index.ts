// The entry `erwin/formats`: reads points and arrays from the bytes of files, and writes them. No function here reads a disk.

export { ErwinError, FormatError, InputError } from "../errors.ts";
export { type Limits, limits, setLimits } from "../limits.ts";
export { attributeNames } from "./attribute-names.ts";
export type { FileBytes, TypedArray } from "./bytes.ts";
export { type Cells, meshEdges, type Polyhedra } from "./cells.ts";
export { loadCsv, saveCsv } from "./csv.ts";
export { loadHdf5, saveHdf5 } from "./hdf5-lazy.ts";
export { loadMatlab } from "./matlab.ts";
export type { Mesh, MeshInput } from "./mesh.ts";
export { loadNpy, loadNpyRows, saveNpy } from "./npy.ts";
export { listNpz, loadNpz, loadNpzRows, saveNpz } from "./npz.ts";
export { loadObj } from "./obj.ts";
export { loadOff } from "./off.ts";
export { loadPcd } from "./pcd.ts";
export type { Pickled } from "./pickle.ts";
export { loadPly, savePly } from "./ply.ts";
export {
  type Attribute,
  type PointCloud,
  pointCloudExtensions,
  type ReadOptions,
  readPointCloud,
  writableExtensions,
  writePointCloud,
} from "./pointcloud.ts";
export { loadPvd, type PvdEntry, savePvd } from "./pvd.ts";
export {
  loadSafetensors,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  type SafetensorsFile,
  saveSafetensors,
  toFloat32,
  toInt32,
} from "./safetensors.ts";
export { loadStl, type StlFile } from "./stl.ts";
export { type Feature, readExample, readTensorProto, writeExample } from "./tensorflow.ts";
export { readTfRecords, writeTfRecords } from "./tfrecord.ts";
export { loadTorch, saveTorch, TorchTensor, torchTensors } from "./torch.ts";
export { loadVtk, saveVtk, type VtkCells, type VtkFile } from "./vtk.ts";
export { loadVtp, loadVtu, type MeshOptions } from "./vtu.ts";
export { addPointData, saveVtp, saveVtu } from "./vtu-write.ts";
