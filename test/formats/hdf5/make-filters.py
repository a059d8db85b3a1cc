# Makes filters.nc, by netCDF4 1.7.4, and filters.h5, by PyTables 3.11.1, each with the same numbers in all ways that these can compress:
# `python3 make-filters.py`. lz4.h5 has them as h5py 3.7 writes them with HDF5's own plugin (Debian 12's python3-h5py and hdf5-filter-plugin):
# `python3 make-filters.py lz4`.
import sys
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
grid = np.arange(600.0).reshape(20, 30) / 8
chunks = (16, 16)

if sys.argv[1:] == ["lz4"]:
    import h5py

    with h5py.File(folder / "lz4.h5", "w", libver="latest") as file:
        file.create_dataset("lz4", data=grid, chunks=chunks, compression=32004, compression_opts=(0,))
    sys.exit()

import netCDF4
import tables

with netCDF4.Dataset(folder / "filters.nc", "w") as file:
    for name, size in [("row", 20), ("column", 30)]:
        file.createDimension(name, size)
    for compression in ["zstd", "bzip2", "blosc_lz", "blosc_lz4", "blosc_zlib", "blosc_zstd"]:
        variable = file.createVariable(compression, "f8", ("row", "column"), compression=compression, chunksizes=chunks)
        variable[:] = grid

with tables.open_file(folder / "filters.h5", "w") as file:
    for library in ["bzip2", "blosc", "blosc:zstd", "blosc2"]:
        filters = tables.Filters(complevel=5, complib=library, bitshuffle=library == "blosc:zstd", fletcher32=library == "bzip2")
        file.create_carray("/", library.replace(":", "_"), obj=grid, chunkshape=chunks, filters=filters)
