// The static profile of kernels: analysis of compilers' listings, the time model, comparison of results, and the README's tables.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CompiledKernel } from "../../src/bench/static/compiled.ts";
import { devices } from "../../src/bench/static/devices.ts";
import { countGenLoads, parseGen } from "../../src/bench/static/gen.ts";
import { intelDriver } from "../../src/bench/static/intel.ts";
import { countIr3Loads, parseIr3 } from "../../src/bench/static/ir3.ts";
import { analyse } from "../../src/bench/static/listing.ts";
import { translateMetal } from "../../src/bench/static/msl-to-cuda.ts";
import { readStatistics, residentWarps } from "../../src/bench/static/nvidia.ts";
import { countRdnaLoads, parseRdna } from "../../src/bench/static/rdna.ts";
import { formatTables, readmePath, readResult } from "../../src/bench/static/readme.ts";
import { type Kernel, KernelList, type Pass, recordPass } from "../../src/bench/static/record.ts";
import { formatComparison } from "../../src/bench/static/report.ts";
import { formatResult, makeResult, makeRow, parseResult } from "../../src/bench/static/result.ts";
import { countSassLoads, parseSass } from "../../src/bench/static/sass.ts";
import { describeSpirv } from "../../src/bench/static/spirv.ts";
import { estimatePass } from "../../src/bench/static/times.ts";
import { findPredecessor, nameVariants } from "../../src/bench/static/variants.ts";
import { withResults } from "../../src/build/results.mjs";

const sass = `
	.section	.text.main0,"ax",@progbits
.text.main0:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
.L_x_0:
        /*0010*/                   STS [R2], RZ ;
        /*0020*/              @!P1 BRA \`(.L_x_0) ;
.L_x_1:
        /*0030*/                   LDG.E.128 R4, desc[UR4][R2.64] ;
        /*0040*/               @P0 LDG.E R8, desc[UR4][R2.64+0x10] ;
        /*0050*/              @!P0 LDG.E R9, desc[UR4][R2.64+0x14] ;
        /*0060*/                   FFMA R12, R7, R10, R12 ;
        /*0070*/                   HFMA2.MMA R13, -RZ, RZ, 0, 0 ;
        /*0080*/                   MUFU.EX2 R14, R12 ;
        /*0090*/                   NOP ;
        /*00a0*/               @P2 BRA \`(.L_x_1) ;
.L_x_3:
        /*00b0*/                   EXIT ;
.L_x_2:
        /*00c0*/                   BRA \`(.L_x_2);
`;

test("the hot loop of SASS, and its loads", () => {
  const { outside, loops, hot, loadsInFlight, waits } = analyse(parseSass(sass), countSassLoads);
  // Neither the loop that fills memory with zeros counts, nor the jump to itself at the end.
  expect(loops).toHaveLength(2);
  // The instructions outside are LDC, EXIT and that jump.
  expect(outside).toBe(3);
  expect(hot).toEqual({
    instructions: 7,
    share: 1 / 7,
    counts: { load: 3, fma: 1, int: 1, special: 1, branch: 1 },
  });
  // R7 belongs to the first load, which is four registers wide; of the two conditional loads only one is in flight.
  expect({ loadsInFlight, waits }).toEqual({ loadsInFlight: 2, waits: 1 });
});

test("an inner loop counts as often as a turn of a product takes", () => {
  const loop = (label: string, inner: string) =>
    `.${label}0:\n/*00*/ IADD3 R1, R1, 0x1, RZ ;\n${inner}/*00*/ @P0 BRA \`(.${label}0) ;\n.${label}1:\n`;
  const fma = "/*00*/ FFMA R2, R3, R4, R2 ;\n";
  const hotOf = (text: string) => analyse(parseSass(text), countSassLoads, 8).hot;
  // Four iterations of two FMAs, an addition and a jump, and the loop around them.
  const nested = { instructions: 4 * 4 + 2, share: 8 / 18, counts: { fma: 8, int: 5, branch: 5 } };
  expect(hotOf(loop("L_x_1", loop("L_x_2", fma + fma)))).toMatchObject(nested);
  // The loop around them may have more of the FMAs.
  const mixed = { instructions: 4 + 2 + 4 * 3, share: 8 / 18, counts: { fma: 8, int: 5, branch: 5 } };
  expect(hotOf(loop("L_x_1", fma.repeat(4) + loop("L_x_2", fma)))).toMatchObject(mixed);
  // The jump back of a long loop may be a call.
  expect(hotOf(loop("L_x_1", fma.repeat(8)).replace("BRA", "CALL.REL.NOINC"))).toMatchObject({ instructions: 10 });
});

test("code that a compiler places between a loop's parts is not part of the loop", () => {
  const listing = `
.L_x_0:
/*00*/ ISETP.GE.U32.AND P0, PT, R1, R2, PT ;
/*00*/ @P0 BRA \`(.L_x_2) ;
/*00*/ LDG.E R3, desc[UR4][R4.64] ;
/*00*/ @P1 BRA \`(.L_x_4) ;
.L_x_1:
/*00*/ FFMA R5, R3, R6, R5 ;
/*00*/ BRA \`(.L_x_3) ;
.L_x_2:
/*00*/ MUFU.EX2 R5, R5 ;
/*00*/ STG.E desc[UR4][R4.64], R5 ;
/*00*/ EXIT ;
.L_x_3:
/*00*/ IADD3 R1, R1, 0x1, RZ ;
/*00*/ BRA \`(.L_x_0) ;
.L_x_4:
/*00*/ FADD R3, R3, 1 ;
/*00*/ BRA \`(.L_x_1) ;
`;
  const { outside, loops, hot } = analyse(parseSass(listing), countSassLoads);
  // The code behind the loop, in its middle, is outside; an addition behind the loop is inside, and jumps back without being one.
  expect(outside).toBe(3);
  expect(loops).toHaveLength(1);
  expect(hot).toMatchObject({ instructions: 10, counts: { load: 1, fma: 1, fp: 1, int: 2, branch: 5 } });
});

const rdna = `
BB0:
	s_load_b64 s[0:1], s[2:3], 0x0                        ; f4040001 f8000000
BB1:
	buffer_load_b128 v[4:7], v1, s[4:7], 0 offen          ; e05c0000 80410401
	buffer_load_b32 v8, v2, s[4:7], 0 offen               ; e0500000 80410802
	s_waitcnt vmcnt(1)                                    ; bf8907f7
	v_dual_fmac_f32 v9, v4, v5 :: v_dual_mul_f32 v10, v6, v7 ; c8060b04 09080d06
	s_waitcnt vmcnt(0)                                    ; bf8903f7
	s_delay_alu instid0(VALU_DEP_1)                       ; bf870001
	v_exp_f32_e32 v8, v8                                  ; 7e104b08
	v_add_f32_e32 v9, v9, v8                              ; 06121109
	s_cbranch_scc1 BB1                                    ; bfa2ffe0
	s_endpgm                                              ; bfb00000
`;

test("the hot loop of AMD's assembly, and its loads", () => {
  const { hot, loadsInFlight, waits } = analyse(parseRdna(rdna), countRdnaLoads);
  expect(hot).toMatchObject({ share: 1 / 6, counts: { load: 2, fma: 1, special: 1, fp: 1, branch: 1 } });
  // All loads that were issued before the first wait are taken to be complete after it.
  expect({ loadsInFlight, waits }).toEqual({ loadsInFlight: 2, waits: 1 });
});

// Lines of Mesa's own listings, some operands left out.
const gen = `
mov(8)          g33<1>UD        0x00000000UD                    { align1 1Q };

LABEL18:
cmp.ge.f0.0(8)  null<1>UD       g33<8,8,1>UD    0x00000010UD    { align1 1Q @5 };
(+f0.0) break(8) JIP:  LABEL17        UIP:  LABEL17             { align1 1Q };
send(8)         g21UD           g127UD          nullUD          0x024060fe                0x00000000
                            dp data 1 MsgDesc: (untyped surface read, Surface = 254, SIMD8, Mask = 0x0)  mlen 1 ex_mlen 0 rlen 4 { align1 1Q @2 $0 };
send(8)         g25UD           g17UD           nullUD          0x02406001                0x00000000
                            dp data 1 MsgDesc: (untyped surface read, Surface = 1, SIMD8, Mask = 0x0)  mlen 1 ex_mlen 0 rlen 4 { align1 1Q @1 $13 };
send(8)         g41UD           g9UD            nullUD          0x04000000                0x00000000
                            ugm MsgDesc: ( load, a32, d32, V4, L1STATE_L3MOCS dst_len = 4, src0_len = 1, bti ) bti 3 { align1 1Q @1 $14 };
sync nop(1)                     null<0,1,0>UB                   { align1 WE_all 1N $14.src };
mad(8)          g53<1>F         g53<8,8,1>F     g25<8,8,1>F     g21<1,1,1>F { align1 1Q $13.dst compacted };
mad(8)          g54<1>F         g54<8,8,1>F     g26<8,8,1>F     g21<1,1,1>F { align1 1Q $0.dst compacted };
mul(8)          g55<1>F         g41<8,8,1>F     g54<8,8,1>F     { align1 1Q $14.dst compacted };
add(8)          g33<1>D         g33<8,8,1>D     1D              { align1 1Q compacted };
math inv(8)     g56<1>F         g55<8,8,1>F     null<8,8,1>F    { align1 1Q @1 };

LABEL17:
while(8)        JIP:  LABEL18                                   { align1 1Q };
`;

test("the hot loop of Intel's assembly, its messages and loads", () => {
  const { outside, hot, loadsInFlight, waits } = analyse(parseGen(gen), countGenLoads);
  expect(outside).toBe(1);
  const counts = { int: 2, branch: 2, "shared-load": 1, load: 2, fma: 2, fp: 1, special: 1 };
  expect(hot).toMatchObject({ share: 2 / 11, counts });
  expect({ loadsInFlight, waits }).toEqual({ loadsInFlight: 2, waits: 2 });
});

test("threads that a vector engine of Intel holds: as many as the workgroup's memory leaves", () => {
  const parts = { intelKernel: "", qualcommKernel: "", qualcommDriver: "", qualcommManifest: "" };
  const found = {
    "Max live registers": 124,
    "Spill Count": 3,
    "Fill Count": 4,
    "Workgroup Memory Size": 12288,
    "Instruction Count": 100,
    subgroup: 8,
  };
  // Five workgroups of 16 threads for 16 engines.
  const expected = { registers: 124, spills: 7, shared: 12288, warps: 5, size: 1600 };
  expect(intelDriver("tgl", parts).read(found, 128)).toEqual(expected);
  expect(intelDriver("tgl", parts).read({ ...found, "Workgroup Memory Size": 0 }, 128).warps).toBe(7);
});

const ir3 = `
@const(c12.x)	0x00000001, 0x4f7ffffe, 0x0000ffff, 0x00000800
(rpt2)nop
mov.u32u32 r1.x, 0
l190:
(jp)shr.b r51.z, c0.x, 16
ldib.b.untyped.1d.u32.4.imm.base0 r4.x, r2.x, 0
isam.v.base0 (f32)(xyzw)r8.x, r3.x
(sy)(rpt1)mad.f32 r10.x, (r)r4.x, r8.x, (r)r10.x
(nop3) cmps.u.ge p0.y, r0.w, c13.x
ldl.u32 r5.x, l[r0.w], 4
(ss)add.f r6.x, r5.x, r10.x
br p0.y, #l190
end
`;

test("the hot loop of Qualcomm's assembly, in which an instruction may repeat", () => {
  const { outside, hot, loadsInFlight, waits } = analyse(parseIr3(ir3), countIr3Loads);
  expect(outside).toBe(2);
  const counts = { int: 2, load: 2, fma: 2, "shared-load": 1, fp: 1, branch: 1 };
  expect(hot).toMatchObject({ share: 2 / 9, counts });
  expect({ loadsInFlight, waits }).toEqual({ loadsInFlight: 2, waits: 1 });
});

const metal = `#include <metal_stdlib>
using namespace metal;
struct A
{
    float _m0[1];
};
kernel void main0(constant A& p [[buffer(0)]], const device A& x [[buffer(1)]], device A& y [[buffer(2)]], uint3 group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]])
{
    threadgroup spvUnsafeArray<float4, 16> tile;
    thread float& first = y._m0[0];
    first = precise::max(x._m0[index], 2.0);
    threadgroup_barrier(mem_flags::mem_threadgroup);
}
`;

test("Metal becomes CUDA", () => {
  const source = translateMetal(metal, 64, true);
  const [, parameters] = /__launch_bounds__\(64\) main0\((.*)\)\n/.exec(source)!;
  expect(parameters).toBe("const __grid_constant__ A p, const A* __restrict__ x_p, A* __restrict__ y_p");
  const lines = source.split("\n").map((line) => line.trim());
  expect(lines).toContain("A& y = *y_p;");
  expect(lines).toContain("uint index = threadIdx.x;");
  expect(lines).toContain("first = max(x._m0[index], 2.0f);");
  // The memory is declared, and zeroed before its use, as WGSL promises.
  const memory = [
    "__shared__ spvUnsafeArray<float4, 16> tile;",
    expect.stringContaining("((uint*)&tile)[at] = 0u;"),
    "__syncthreads();",
  ];
  expect(lines.slice(lines.indexOf("__shared__ spvUnsafeArray<float4, 16> tile;")).slice(0, 3)).toEqual(memory);
  expect(lines.filter((line) => line === "__syncthreads();")).toHaveLength(2);
  expect(source).not.toMatch(/\b(thread|threadgroup|device|metal|precise)\b/);
  expect(() => translateMetal(metal.replace("uint index [[thread_index_in", "half4 index [[quad_"), 64, true)).toThrow(
    "the Metal kernel has a parameter of unknown kind: half4 index [[quad__threadgroup]]",
  );
});

test("a module's workgroup size, and whether its memory starts as zeros", () => {
  const module = (length: number) => [
    ...[0x07230203, 0x10300, 0, 9, 0],
    ...[(6 << 16) | 16, 1, 17, 64, 1, 1],
    ...[(length << 16) | 59, 2, 3, 4, ...(length === 5 ? [8] : [])],
  ];
  const describe = (words: number[]) => describeSpirv(new Uint8Array(Uint32Array.from(words).buffer));
  expect(describe(module(4))).toEqual({ size: [64, 1, 1], zeroed: false });
  expect(describe(module(5))).toEqual({ size: [64, 1, 1], zeroed: true });
});

test("warps that an SM holds: as many as registers, memory and workgroups leave", () => {
  const said = "ptxas info : Used 141 registers, 9792 bytes smem\n 8 bytes spill stores, 4 bytes spill loads";
  const statistics = readStatistics(said);
  expect(statistics).toEqual({ registers: 141, spills: 12, shared: 9792 });
  expect(residentWarps("sm_86", statistics, 64)).toBe(12);
  expect(residentWarps("sm_86", { ...statistics, registers: 40, shared: 20 << 10 }, 64)).toBe(8);
  expect(residentWarps("sm_86", { ...statistics, registers: 40, shared: 0 }, 64)).toBe(32);
  expect(residentWarps("sm_90", { ...statistics, registers: 40, shared: 0 }, 128)).toBe(48);
});

const product = { TRANSPOSED: 0, TILE_ROWS: 64, TILE_COLUMNS: 64, VEC4: 1, MATRIX: 0 };

test("kernels of one file are named by what tells them apart", () => {
  const kernels: { name: string; constants: Record<string, number> }[] = [
    { name: "linear", constants: product },
    { name: "linear", constants: { ...product, TILE_ROWS: 128, TRANSPOSED: 1 } },
    { name: "attention", constants: { THREADS: 64, QUERIES: 2 } },
    { name: "attention", constants: { THREADS: 32, QUERIES: 2 } },
    { name: "add", constants: {} },
  ];
  const names = nameVariants(kernels).map(({ kernel }) => kernel);
  const attention = ["attention threads=64", "attention threads=32"];
  expect(names).toEqual(["linear 64x64", "linear 128x64 transposed", ...attention, "add"]);
});

test("kernels that differ in derived constants alone are named by as few of those as tell them apart", () => {
  const tiles = [64, 128].map((THREADS) => ({ ...product, TILE_ROWS: THREADS, THREADS, WHOLE_STEPS: 1 }));
  const constants = tiles.flatMap((tile) =>
    [0, 1].map((RIGHT_VEC4) => ({ ...tile, RIGHT_VEC4, LEFT_ALONG: 1 - RIGHT_VEC4 })),
  );
  const kernels = [...constants, { ...tiles[1], TRANSPOSED: 1, WHOLE_STEPS: 0, RIGHT_VEC4: 1 }];
  const names = nameVariants(kernels.map((one) => ({ name: "linear", constants: one }))).map(({ kernel }) => kernel);
  const [small, large] = ["linear 64x64", "linear 128x64"];
  expect(names).toEqual([small, `${small} right_vec4`, large, `${large} right_vec4`, `${large} transposed`]);
});

test("all kernels that the benchmarks' model trains with have short names of their own", async () => {
  const list = new KernelList();
  await recordPass("float32", true, 1024, list);
  await recordPass("float32", true, 16384, list);
  const names = nameVariants(list.kernels).map(({ kernel }) => kernel);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.split(" ").length > 5)).toEqual([]);
});

test("a kernel is found again after it got another constant or was cut otherwise, not after it does something else", () => {
  const before = nameVariants([
    { name: "linear", constants: product },
    { name: "linear", constants: { ...product, TILE_COLUMNS: 32 } },
  ]);
  const find = (constants: Record<string, number>) =>
    findPredecessor(before, { kernel: "any", name: "linear", constants });
  expect(find({ ...product, SECOND: 1 })).toBe(before[0]);
  expect(find({ ...product, TILE_ROWS: 128, TILE_COLUMNS: 32 })).toBe(before[1]);
  expect(find({ ...product, TRANSPOSED: 1 })).toBeUndefined();
  const { VEC4, ...others } = product;
  const [scalar, vec4] = nameVariants([0, 1].map((QUADS) => ({ name: "linear", constants: { ...others, QUADS } })));
  expect(findPredecessor([scalar, vec4], { kernel: "any", name: "linear", constants: product })).toBe(vec4);
});

const compiled: CompiledKernel = {
  threads: 64,
  registers: 100,
  spills: 0,
  shared: 8192,
  warps: 16,
  size: 1024,
  outside: 500,
  loops: [{ fma: 1024, int: 256 }],
  hot: { instructions: 1280, share: 0.8, counts: { fma: 1024, int: 256, special: 4, load: 8 } },
  loadsInFlight: 8,
  waits: 1,
};

test("a result survives its file, and a comparison shows what changed", () => {
  const [variant] = nameVariants([{ name: "linear", constants: product }]);
  const resultOf = (found: CompiledKernel) => makeResult([variant], [makeRow(variant, "naga", "sm_90", found)], []);
  const before = resultOf(compiled);
  expect(before.rows).toEqual([
    {
      ...{ kernel: "linear 64x64", front: "naga", gpu: "sm_90", registers: 100, spills: 0, shared: 8192 },
      ...{ warps: 16, fmaShare: 0.8, hotLoop: 1280, loadsInFlight: 8, waits: 1, size: 1024 },
    },
  ]);
  expect(parseResult(formatResult(before), "a.json")).toEqual(before);
  expect(() => parseResult('{"format":"erwin-bench-1"}', "a.json")).toThrow("a.json");

  expect(formatComparison(before, before).at(-1)).toMatch(/^1 rows are the same/);
  const now = resultOf({ ...compiled, registers: 90, hot: undefined });
  expect(formatComparison(before, now)[1]).toMatch(/100 > 90 .* 80\.0% > - +1280 > - +8 +1 +1024$/);
});

test("the time of a product, by hand", () => {
  const kernel: Kernel = { name: "linear", constants: { ...product, HALF_X: 0 }, code: "", bindings: [] };
  const size = { rows: 65536, columns: 256, inner: 256, second_inner: 0, has_residual: 0, accumulate: 0 };
  const dispatch = { kernel: 0, bound: {}, parameters: size, groups: 4096 };
  const pass: Pass = {
    precision: "float32",
    training: false,
    points: 1024,
    dispatches: [dispatch],
    copies: 1,
    clears: 0,
  };
  const device = { ...devices.H100, multiprocessors: 100, clock: 1e9, issue: 0.5, gap: 1e-6 };
  const { seconds, gaps, floor, byBound } = estimatePass(pass, [kernel], [compiled], device);
  // 4096 workgroups of two warps, with 16 iterations and the code outside, on 400 schedulers of which half is reached.
  const issue = (4096 * 2 * (16 * 1280 + 500)) / (400 * 1e9 * 0.5);
  expect([...byBound]).toEqual([["issue", expect.closeTo(issue, 12)]]);
  // If the load-store unit is slower: 8 loads per iteration of 20 cycles each, on one unit per multiprocessor.
  const slow = { ...device, loadStore: 0.01 };
  const loads = (4096 * 2 * 16 * 8 * 20) / (100 * 1e9 * 0.01);
  expect([...estimatePass(pass, [kernel], [compiled], slow).byBound]).toEqual([["loads", expect.closeTo(loads, 12)]]);
  expect(gaps).toBeCloseTo(2e-6, 12);
  expect(seconds).toBeCloseTo(issue + 2e-6, 12);
  expect(floor).toBeCloseTo((2 * 65536 * 256 * 256) / (100 * 256 * 1e9), 12);
});

test("the time model's rules fit what the engine dispatches", async () => {
  const list = new KernelList();
  const pass = await recordPass("float32", true, 1024, list);
  expect(pass.dispatches.length).toBeGreaterThan(100);
  const found = list.kernels.map(() => compiled);
  const { seconds, byKernel } = estimatePass(pass, list.kernels, found, devices.H100);
  expect(byKernel.size).toBe(list.kernels.length);
  expect(seconds).toBeGreaterThan(0);
});

test("a forward pass has at most 150 dispatches once what follows from weights alone is there", async () => {
  const { dispatches } = await recordPass("float32", false, 1024, new KernelList());
  expect(dispatches.length).toBeGreaterThan(100);
  expect(dispatches.length).toBeLessThanOrEqual(150);
});

test("the README's tables are those of the committed results", () => {
  const tables = formatTables(readResult("before"), readResult("now"));
  const readme = readFileSync(readmePath, "utf8");
  expect(withResults(readme, tables)).toBe(readme);
  expect(tables).toMatch(/^\| A6000 \| naga \| [\d.]+ \|/m);
});
