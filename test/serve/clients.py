# Sends a cloud to a running `erwin serve` with NumPy, meshio, VTK and curl, and compares their answers.
#
#   python3 test/serve/clients.py URL TOKEN
import io, json, subprocess, sys, tempfile, urllib.error, urllib.request
from pathlib import Path
import meshio, numpy, vtk
from vtk.util.numpy_support import vtk_to_numpy

url, token = sys.argv[1:]
points = numpy.random.default_rng(1).random((60, 3), dtype=numpy.float32)


def ask(query, body, **headers):
    headers = {"Authorization": f"Bearer {token}", **headers}
    return urllib.request.urlopen(urllib.request.Request(f"{url}/predict{query}", body, headers)).read()


def json_answer():
    body = json.dumps({"positions": points.tolist()}).encode()
    return numpy.array(json.loads(ask("", body, **{"Content-Type": "application/json"}))["out"], dtype=numpy.float32)


def npz_answer(save):
    file = io.BytesIO()
    save(file, node_positions=points)
    return numpy.load(io.BytesIO(ask("?from=npz", file.getvalue())))["out"]


def vtu_answer(read):
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder, "given.vtu"), Path(folder, "answer.vtu")
        meshio.Mesh(points, [("triangle", numpy.array([[0, 1, 2], [3, 4, 5]]))], {"height": points[:, 2]}).write(given)
        answer.write_bytes(ask("?from=vtu", given.read_bytes()))
        return read(answer)


def by_meshio(path):
    mesh = meshio.read(path)
    assert len(mesh.cells_dict["triangle"]) == 2 and (mesh.point_data["height"] == points[:, 2]).all()
    return mesh.point_data["out"]


def by_vtk(path):
    reader = vtk.vtkXMLUnstructuredGridReader()
    reader.SetFileName(str(path))
    reader.Update()
    assert reader.GetOutput().GetNumberOfCells() == 2
    return vtk_to_numpy(reader.GetOutput().GetPointData().GetArray("out"))


def curl_answer():
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "given.csv")
        numpy.savetxt(given, points, delimiter=",", header="x,y,z", comments="", fmt="%.9g")
        words = ["curl", "-sS", "-H", f"Authorization: Bearer {token}", "--data-binary", f"@{given}"]
        answer = subprocess.run([*words, f"{url}/predict?from=csv&to=npy"], capture_output=True, check=True).stdout
        return numpy.load(io.BytesIO(answer))


expected = json_answer()
answers = {
    "numpy.savez": npz_answer(numpy.savez),
    "numpy.savez_compressed": npz_answer(numpy.savez_compressed),
    "meshio": vtu_answer(by_meshio),
    "VTK": vtu_answer(by_vtk),
    "curl": curl_answer(),
}
for name, answer in answers.items():
    assert answer.dtype == numpy.float32 and numpy.array_equal(answer, expected), name
try:
    ask("?from=npz", b"x", Authorization="Bearer another")
    raise AssertionError("another token is accepted")
except urllib.error.HTTPError as error:
    assert error.code == 401
print(f"the same {expected.shape} from JSON, {', '.join(answers)}")
