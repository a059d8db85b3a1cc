// Builds the parts of Mesa that Debian does not ship: Qualcomm's driver for x86-64, and the libraries that stand in for the kernel
// drivers of Intel's and Qualcomm's GPUs, so that Mesa compiles for them where there are none.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type DebianRoot, inRoot, prepareRoot } from "../../build/debian-root.mjs";
import { run } from "../../build/run.mjs";

const PACKAGES = [
  ...["meson", "ninja-build", "gcc", "g++", "pkg-config", "bison", "flex", "glslang-tools", "xz-utils"],
  ...["python3-mako", "python3-yaml", "python3-packaging", "python3-ply"],
  ...["libdrm-dev", "zlib1g-dev", "libzstd-dev", "libexpat1-dev"],
];

/** Whatever is not needed for the two drivers' compilers is left out. */
const OPTIONS = [
  ...["vulkan-drivers=freedreno", "freedreno-kmds=msm", "gallium-drivers=", "tools=drm-shim,intel", "platforms="],
  ...["glx", "egl", "gbm", "gles1", "gles2", "llvm", "xmlconfig", "valgrind", "libunwind", "lmsensors"].map(
    (feature) => `${feature}=disabled`,
  ),
  ...["opengl=false", "buildtype=release", "video-codecs="],
].map((option) => `-D${option}`);

const PARTS = {
  intelKernel: "src/intel/tools/libintel_noop_drm_shim.so",
  qualcommKernel: "src/freedreno/drm-shim/libfreedreno_noop_drm_shim.so",
  qualcommDriver: "src/freedreno/vulkan/libvulkan_freedreno.so",
};

/** The paths of the built parts, and of the file that names Qualcomm's driver to Vulkan's loader. */
export type MesaParts = Record<keyof typeof PARTS | "qualcommManifest", string>;

/** Builds the parts in a folder that has Debian's compilers, unless they are there. */
export async function prepareMesaParts(
  folder: string,
  debian: Pick<DebianRoot, "suite" | "folder">,
): Promise<MesaParts> {
  const parts = Object.fromEntries(
    Object.entries(PARTS).map(([name, path]) => [name, join(folder, basename(path))]),
  ) as Record<keyof typeof PARTS, string>;
  const qualcommManifest = join(folder, "freedreno_icd.json");
  if (existsSync(qualcommManifest)) return { ...parts, qualcommManifest };

  const builder: DebianRoot = {
    ...debian,
    purpose: "static-profile-mesa",
    size: "a minute, 800 MB",
    packages: PACKAGES,
  };
  await prepareRoot(builder);
  console.log(
    `static profile: building parts of Mesa for Intel's and Qualcomm's GPUs in ${folder} (once; 3 to 6 minutes)`,
  );
  rmSync(folder, { recursive: true, force: true });
  const work = join(folder, "build");
  mkdirSync(work, { recursive: true });
  const inBuilder = (script: string, ...args: string[]) => {
    const [program, ...words] = inRoot(builder, [work], ["sh", "-e", "-c", script, "sh", ...args]);
    run(program, words, { stdio: ["ignore", "ignore", "inherit"] });
  };
  // apt-get checks the source's signature.
  inBuilder(`sed 's/^deb /deb-src /' /etc/apt/sources.list > /etc/apt/sources.list.d/source.list
    apt-get update -qq
    apt-get source -qq --download-only mesa
    mkdir mesa
    tar --extract --file mesa_*.orig.tar.xz --directory mesa --strip-components 1`);
  inBuilder('meson setup --wrap-mode=nodownload out mesa "$@"', ...OPTIONS);
  inBuilder('ninja -C out "$@"', ...Object.values(PARTS));
  for (const path of Object.values(PARTS)) renameSync(join(work, "out", path), join(folder, basename(path)));
  rmSync(work, { recursive: true });
  const ICD = { library_path: parts.qualcommDriver, api_version: "1.3.0" };
  writeFileSync(qualcommManifest, JSON.stringify({ file_format_version: "1.0.0", ICD }));
  return { ...parts, qualcommManifest };
}
