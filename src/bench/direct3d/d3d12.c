// Stands in for Wine's d3d12.dll, which it loads as d3d12w.dll, and supplies what Dawn and wgpu ask for and Wine has not: handles to
// share fences, compiled pipelines as blobs, and, where SHADER_MODEL is set, the features of a GPU of that shader model. Pipelines are
// created from an empty kernel: what is measured, Microsoft's compilers, has run before.
#define COBJMACROS
#define INITGUID
#include <d3d12.h>
#include <d3dcompiler.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define EXPORT __declspec(dllexport) HRESULT WINAPI

static void *original(const char *name) { return (void *)GetProcAddress(LoadLibraryA("d3d12w.dll"), name); }

static HRESULT WINAPI create_shared_handle(ID3D12Device *device, ID3D12DeviceChild *object, const SECURITY_ATTRIBUTES *attributes,
                                           DWORD access, const WCHAR *name, HANDLE *handle) {
  *handle = CreateEventA(NULL, FALSE, FALSE, NULL);
  return S_OK;
}

static HRESULT(WINAPI *check)(ID3D12Device *, D3D12_FEATURE, void *, UINT);

static HRESULT WINAPI check_feature(ID3D12Device *device, D3D12_FEATURE feature, void *data, UINT size) {
  const char *model = getenv("SHADER_MODEL");
  HRESULT result = check(device, feature, data, size);
  if (!model) return result;
  if (feature == D3D12_FEATURE_SHADER_MODEL) {
    D3D12_FEATURE_DATA_SHADER_MODEL *supported = data;
    supported->HighestShaderModel = strtoul(model, NULL, 16);
    return S_OK;
  }
  if (feature == D3D12_FEATURE_D3D12_OPTIONS1) {
    D3D12_FEATURE_DATA_D3D12_OPTIONS1 *supported = data;
    supported->WaveOps = TRUE;
    supported->WaveLaneCountMin = supported->WaveLaneCountMax = 32;
    return S_OK;
  }
  if (feature == D3D12_FEATURE_D3D12_OPTIONS4) {
    D3D12_FEATURE_DATA_D3D12_OPTIONS4 *supported = data;
    supported->Native16BitShaderOpsSupported = TRUE;
    return S_OK;
  }
  return result;
}

static HRESULT WINAPI query(ID3D10Blob *blob, REFIID id, void **out) {
  *out = blob;
  return S_OK;
}
static ULONG WINAPI count(ID3D10Blob *blob) { return 1; }
static void *WINAPI pointer(ID3D10Blob *blob) {
  static char bytes[16];
  return bytes;
}
static SIZE_T WINAPI size(ID3D10Blob *blob) { return 16; }

static HRESULT WINAPI get_cached_blob(ID3D12PipelineState *pipeline, ID3DBlob **blob) {
  static ID3D10BlobVtbl methods = {query, count, count, pointer, size};
  static ID3D10Blob cached = {&methods};
  *blob = &cached;
  return S_OK;
}

static void replace(void *slot, void *function) {
  DWORD protection;
  VirtualProtect(slot, sizeof function, PAGE_READWRITE, &protection);
  memcpy(slot, &function, sizeof function);
  VirtualProtect(slot, sizeof function, protection, &protection);
}

static HRESULT(WINAPI *create_pipeline)(ID3D12Device *, const D3D12_COMPUTE_PIPELINE_STATE_DESC *, REFIID, void **);

static HRESULT WINAPI create_empty_pipeline(ID3D12Device *device, const D3D12_COMPUTE_PIPELINE_STATE_DESC *wanted, REFIID id,
                                            void **out) {
  static const char text[] = "[numthreads(1, 1, 1)] void main() {}";
  static ID3DBlob *code;
  pD3DCompile compile = (pD3DCompile)GetProcAddress(LoadLibraryA("d3dcompiler_47.dll"), "D3DCompile");
  if (!code && compile(text, sizeof text - 1, NULL, NULL, NULL, "main", "cs_5_1", 0, 0, &code, NULL) != S_OK) return E_FAIL;
  D3D12_COMPUTE_PIPELINE_STATE_DESC empty = *wanted;
  empty.CS.pShaderBytecode = ID3D10Blob_GetBufferPointer(code);
  empty.CS.BytecodeLength = ID3D10Blob_GetBufferSize(code);
  HRESULT result = create_pipeline(device, &empty, id, out);
  if (result == S_OK) replace(&((ID3D12PipelineState *)*out)->lpVtbl->GetCachedBlob, get_cached_blob);
  return result;
}

EXPORT D3D12CreateDevice(IUnknown *adapter, D3D_FEATURE_LEVEL level, REFIID id, void **out) {
  HRESULT(WINAPI * create)(IUnknown *, D3D_FEATURE_LEVEL, REFIID, void **) = original("D3D12CreateDevice");
  HRESULT result = create(adapter, level, id, out);
  if (result != S_OK || !out) return result;
  ID3D12DeviceVtbl *methods = ((ID3D12Device *)*out)->lpVtbl;
  if (methods->CheckFeatureSupport == check_feature) return result;
  check = methods->CheckFeatureSupport;
  create_pipeline = methods->CreateComputePipelineState;
  replace(&methods->CheckFeatureSupport, check_feature);
  replace(&methods->CreateComputePipelineState, create_empty_pipeline);
  replace(&methods->CreateSharedHandle, create_shared_handle);
  return result;
}
