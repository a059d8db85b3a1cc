// Stands in for Wine's dxgi.dll, which it loads as dxgiw.dll: wgpu needs a factory for media, which Wine has not, and never uses it.
#define INITGUID
#include <dxgi.h>
#include <windows.h>

static const GUID MEDIA = {0x41e7d1f2, 0xa591, 0x4f7b, {0xa2, 0xe5, 0xfa, 0x9c, 0x84, 0x3e, 0x1c, 0x12}};

__declspec(dllexport) HRESULT WINAPI CreateDXGIFactory1(REFIID id, void **out) {
  HRESULT(WINAPI * create)(REFIID, void **) = (void *)GetProcAddress(LoadLibraryA("dxgiw.dll"), "CreateDXGIFactory1");
  return create(IsEqualGUID(id, &MEDIA) ? &IID_IDXGIFactory1 : id, out);
}
