//! Writing: chunks of some rows, packed with Zstd and its checksum.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use worldsmith_core::{Error, Result};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::Version;
use crate::dtype::Dtype;
use crate::formats::column::Cells;
use crate::write_atomic;

/// Plain bytes that a chunk is filled up to, and rows that it has at most.
const CHUNK_LEN: usize = 1 << 20;
const MOST_ROWS: usize = 4096;
const LEVEL: i32 = 3;

/// Writes an array row by row.
pub(crate) struct ArrayWriter {
    dir: PathBuf,
    version: Version,
    dtype: Dtype,
    row_shape: Vec<usize>,
    chunk_rows: usize,
    /// Rows that do not fill a chunk yet.
    rest: Vec<u8>,
    n_rows: usize,
    n_chunks: usize,
}

impl ArrayWriter {
    /// Starts the array in the new folder `dir`.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn create(dir: &Path, version: Version, dtype: Dtype, row_shape: &[usize]) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|err| Error::io("make folder", dir, &err))?;
        let row_len = (row_shape.iter().product::<usize>() * dtype.size()).max(1);
        Ok(Self {
            dir: dir.to_path_buf(),
            version,
            dtype,
            row_shape: row_shape.to_vec(),
            chunk_rows: (CHUNK_LEN / row_len).clamp(1, MOST_ROWS),
            rest: Vec::new(),
            n_rows: 0,
            n_chunks: 0,
        })
    }

    /// Adds `n` rows.
    ///
    /// # Errors
    /// If a chunk cannot be written.
    pub fn push(&mut self, cells: &Cells, n: usize) -> Result<()> {
        self.rest.extend(self.dtype.bytes(cells));
        self.n_rows += n;
        let len = self.chunk_len();
        let n_full = self.rest.len().checked_div(len).unwrap_or(0);
        let rest = self.rest.split_off(n_full * len);
        for chunk in std::mem::replace(&mut self.rest, rest).chunks_exact(len.max(1)) {
            self.write(chunk)?;
        }
        Ok(())
    }

    /// Writes the last chunk and what is to be known of the array.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(mut self) -> Result<()> {
        let len = self.chunk_len();
        let mut rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            rest.resize(len, 0);
            self.write(&rest)?;
        }
        let (name, meta) = match self.version {
            Version::V2 => (".zarray", self.v2()),
            Version::V3 => ("zarr.json", self.v3()?),
        };
        write_json(&self.dir.join(name), &meta)
    }

    fn chunk_len(&self) -> usize {
        self.chunks().iter().product::<usize>() * self.dtype.size()
    }

    /// Extent of a chunk; arrays without elements still have chunks of one.
    fn chunks(&self) -> Vec<usize> {
        std::iter::once(self.chunk_rows).chain(self.row_shape.iter().map(|side| (*side).max(1))).collect()
    }

    fn shape(&self) -> Vec<usize> {
        std::iter::once(self.n_rows).chain(self.row_shape.iter().copied()).collect()
    }

    fn write(&mut self, plain: &[u8]) -> Result<()> {
        let zeros = vec!["0".to_owned(); self.row_shape.len()];
        let numbers: Vec<String> = std::iter::once(self.n_chunks.to_string()).chain(zeros).collect();
        let path = match self.version {
            Version::V2 => self.dir.join(numbers.join(".")),
            Version::V3 => self.dir.join("c").join(numbers.join("/")),
        };
        self.n_chunks += 1;
        let failed = |err: std::io::Error| Error::io("write chunk", &path, &err);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        let mut packer = Compressor::new(LEVEL).map_err(failed)?;
        packer.set_parameter(CParameter::ChecksumFlag(true)).map_err(failed)?;
        fs::write(&path, packer.compress(plain).map_err(failed)?).map_err(failed)
    }

    fn v2(&self) -> Json {
        json!({
            "zarr_format": 2,
            "shape": self.shape(),
            "chunks": self.chunks(),
            "dtype": self.dtype.descr(),
            "fill_value": 0,
            "order": "C",
            "filters": null,
            "dimension_separator": ".",
            "compressor": {"id": "zstd", "level": LEVEL},
        })
    }

    fn v3(&self) -> Result<Json> {
        let name =
            self.dtype.name().ok_or_else(|| Error::invalid("expected numbers for Zarr v3, got text"))?;
        let fill = if name == "bool" { json!(false) } else { json!(0) };
        Ok(json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape(),
            "data_type": name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunks()}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": fill,
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "zstd", "configuration": {"level": LEVEL, "checksum": true}},
            ],
            "attributes": {},
        }))
    }
}

/// Makes the folder `dir` a group with `attributes`.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_group(dir: &Path, version: Version, attributes: &Json) -> Result<()> {
    fs::create_dir_all(dir).map_err(|err| Error::io("make folder", dir, &err))?;
    match version {
        Version::V2 => {
            write_json(&dir.join(".zattrs"), attributes)?;
            write_json(&dir.join(".zgroup"), &json!({"zarr_format": 2}))
        }
        Version::V3 => {
            let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
            write_json(&dir.join("zarr.json"), &group)
        }
    }
}

fn write_json(path: &Path, json: &Json) -> Result<()> {
    let text =
        serde_json::to_vec_pretty(json).map_err(|err| Error::invalid(format!("cannot write: {err}")))?;
    write_atomic(path, &text)
}
