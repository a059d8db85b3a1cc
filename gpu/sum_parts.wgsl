// Adds up partial sums in the order of their parts: up to JOBS matrices of them, whose workgroups follow one another. Job j has
// the workgroups from group_j on, and adds up the parts of the array sums_i with i = array_j. With the job's parameters:
//
//     out[out_first + row(r) out_columns + c] (+)= sum over parts of sums[part, first + r columns + c]                 c < columns
//
//     sums [parts, part_size]   size = rows * columns
//
// row(r) = r, or with packed_width = d > 0 the row of the reference's packed qkv: r runs over t, h, e and is written to (h, e,
// t). A job with `accumulate` adds to what is there. From MANY_PARTS parts on, eight threads share a sum, each adding an eighth
// of the parts in order; the eighths are added up in order. With fewer parts, a thread computes one sum after the other in so many
// rounds. Jobs that there are not have no workgroups.
//! include packing.wgsl
//! include workgroup.wgsl

struct Parameters {
  first_group: u32,
//! repeat j JOBS
  group_$j: u32, array_$j: u32, parts_$j: u32, part_size_$j: u32, first_$j: u32, size_$j: u32, columns_$j: u32, out_first_$j: u32, out_columns_$j: u32, packed_width_$j: u32, accumulate_$j: u32, rounds_$j: u32,
//! end
}
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
//! repeat i ARRAYS
@group(0) @binding(@2+$i@) var<storage, read> sums_$i: array<f32>;
//! end

const LANES: u32 = 8;
var<workgroup> shares: array<f32, 64>;

struct Job {
  group: u32, array: u32, parts: u32, part_size: u32, first: u32, size: u32, columns: u32, out_first: u32, out_columns: u32, packed_width: u32, accumulate: u32, rounds: u32
}

// The job that has this workgroup.
fn job_of(number: u32) -> Job {
  var job: Job;
//! repeat j JOBS
  if (number >= parameters.group_$j) {
    job = Job(parameters.group_$j, parameters.array_$j, parameters.parts_$j, parameters.part_size_$j, parameters.first_$j, parameters.size_$j, parameters.columns_$j, parameters.out_first_$j, parameters.out_columns_$j, parameters.packed_width_$j, parameters.accumulate_$j, parameters.rounds_$j);
  }
//! end
  return job;
}

//! repeat i ARRAYS
// The sum of the element `first` of the parts from first_part up to `end`.
fn sum_of_$i(first_part: u32, end: u32, part_size: u32, first: u32) -> f32 {
  var part = first_part;
  var sum = 0.0;
  // Eight loads are issued together: the loop checks that hosts add keep compilers from doing that, and what a `let` holds may be
  // loaded where it is used.
  for (; part + 8 <= end; part += 8) {
    let at = part * part_size + first;
//! repeat k 8
    var term_$k = sums_$i[at + $k * part_size];
//! end
//! repeat k 8
    sum += term_$k;
//! end
  }
  for (; part < end; part++) { sum += sums_$i[part * part_size + first]; }
  return sum;
}
//! end

fn put(job: Job, item: u32, sum: f32) {
  let row = packed_row(item / job.columns, job.packed_width);
  let at = job.out_first + row * job.out_columns + item % job.columns;
  var result = sum;
  if (job.accumulate > 0) { result += out[at]; }
  out[at] = result;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let number = workgroup_number(group, groups);
  let job = job_of(number);
  let lanes = select(1u, LANES, job.parts >= MANY_PARTS);
  let across = 64 / lanes;
  let begin = (number - job.group) * job.rounds * across + thread % across;
  let share = (job.parts + lanes - 1) / lanes;
  let part = thread / across * share;
  let end = min(part + share, job.parts);
  var sum = 0.0;
//! repeat i ARRAYS
  if (job.array == $i) {
    for (var round = 0u; round < job.rounds; round++) {
      let item = begin + round * across;
      sum = sum_of_$i(part, end, job.part_size, job.first + min(item, job.size - 1));
      if (lanes == 1 && item < job.size) { put(job, item, sum); }
    }
  }
//! end
  if (lanes == 1) { return; }
  shares[thread] = sum;
  workgroupBarrier();
  if (thread >= across || begin >= job.size) { return; }
  for (var lane = 1u; lane < LANES; lane++) { sum += shares[lane * across + thread]; }
  put(job, begin, sum);
}
