// The entry `erwin/formats`: reads points and arrays from the bytes of files, and writes them. No function here reads a disk.

export { ErwinError, FormatError, InputError } from "../errors.ts";
export { type Limits, limits, setLimits } from "../limits.ts";
export { attributeNames } from "./attribute-names.ts";
export type { FileBytes, TypedArray } from "./bytes/bytes.ts";
export { cellCentres } from "./clouds/cell-centres.ts";
export { cellEdges } from "./clouds/cell-edges.ts";
export { type Cells, meshEdges, type Polyhedra } from "./clouds/cells.ts";
export { loadCsv, saveCsv } from "./clouds/csv.ts";
export { loadLas } from "./clouds/las.ts";
export { loadLaz, unpackLaz } from "./clouds/laz.ts";
export type { Mesh, MeshInput, MeshLocation, MeshOptions } from "./clouds/mesh.ts";
export type { MeshInTime } from "./clouds/mesh-steps.ts";
export { loadObj } from "./clouds/obj.ts";
export { loadOff } from "./clouds/off.ts";
export { loadPcd } from "./clouds/pcd.ts";
export { loadPly, savePly } from "./clouds/ply.ts";
export { loadStl, type StlFile } from "./clouds/stl.ts";
export { type ExodusFile, loadExodus } from "./exodus/exodus.ts";
export { type GmshFile, loadGmsh } from "./gmsh/gmsh.ts";
export { loadHdf5, saveHdf5 } from "./hdf5/lazy.ts";
export { loadMatlab } from "./matlab/matlab.ts";
export { loadNpy, loadNpyRows, saveNpy } from "./numpy/npy.ts";
export { listNpz, loadNpz, loadNpzRows, saveNpz } from "./numpy/npz.ts";
export {
  type Attribute,
  type PointCloud,
  pointCloudExtensions,
  type ReadOptions,
  readPointCloud,
  writableExtensions,
  writePointCloud,
} from "./pointcloud.ts";
export {
  loadSafetensors,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  type SafetensorsFile,
  saveSafetensors,
  toFloat32,
  toInt32,
} from "./safetensors/safetensors.ts";
export { readExampleArrays } from "./tensorflow/example-arrays.ts";
export { type Feature, readExample, readTensorProto, writeExample } from "./tensorflow/tensorflow.ts";
export { readTfRecords, writeTfRecords } from "./tensorflow/tfrecord.ts";
export type { Pickled } from "./torch/pickle.ts";
export { loadTorch, saveTorch, TorchTensor, torchTensors } from "./torch/torch.ts";
export { loadPvd, type PvdEntry, savePvd } from "./vtk/pvd.ts";
export { loadVtk, saveVtk, type VtkCells, type VtkFile } from "./vtk/vtk.ts";
export { loadVtkHdf } from "./vtk/vtkhdf.ts";
export { loadVtp, loadVtu } from "./vtk/vtu.ts";
export { addCellData, addPointData, saveVtp, saveVtu } from "./vtk/vtu-write.ts";
