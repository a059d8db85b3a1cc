#!/bin/bash
# Predicts the files of a folder in an array of tasks: sbatch --array=1-8 slurm.sh
#
# The tasks need nothing of each other. A task that is interrupted ends after its current batch, is queued again and continues.
#SBATCH --job-name=erwin
#SBATCH --array=1-8
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --output=%x-%a.txt
# With a GPU for each task, and erwin started through Deno or with the package webgpu:
##SBATCH --gres=gpu:1

exec erwin predict --model model.safetensors --input clouds --output predictions --knn 16 \
  --threads "${SLURM_CPUS_PER_TASK:-1}" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
