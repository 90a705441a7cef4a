//! Parameters by name, in and out of safetensors files.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::TensorData;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use worldsmith_core::{Error, ErrorKind, Result};

/// An array of `f32` with its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub data: Vec<f32>,
}

/// Arrays by name.
pub type Arrays = BTreeMap<String, Array>;

/// The parameters of `model` by their place in it, such as `rssm.gates.weight`.
pub fn parameters<M: Module>(model: &M) -> Arrays {
    let mut reader = Reader { path: Vec::new(), found: Arrays::new() };
    model.visit(&mut reader);
    reader.found
}

/// `model` with the parameters in `arrays`.
///
/// # Errors
/// [`ErrorKind::Mismatch`] naming the first parameter that is missing or has another shape.
pub fn with_parameters<M: Module>(model: M, arrays: &Arrays) -> Result<M> {
    let mut writer = Writer { path: Vec::new(), arrays, error: None };
    let model = model.map(&mut writer);
    writer.error.map_or(Ok(model), Err)
}

/// Writes `arrays` as a safetensors file.
///
/// # Errors
/// If the file cannot be written.
pub fn write_arrays(path: &Path, arrays: &Arrays) -> Result<()> {
    let bytes: Vec<Vec<u8>> =
        arrays.values().map(|a| a.data.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = arrays.iter().zip(&bytes).map(|((name, a), bytes)| {
        TensorView::new(Dtype::F32, a.shape.clone(), bytes).map(|view| (name.clone(), view))
    });
    let broken =
        |e: safetensors::SafeTensorError| Error::invalid(format!("cannot lay out tensors: {e}")).at(path);
    let views = views.collect::<std::result::Result<Vec<_>, _>>().map_err(broken)?;
    let file = safetensors::serialize(views, None).map_err(broken)?;
    std::fs::write(path, file).map_err(|e| Error::io("write tensors", path, &e))
}

/// Reads a safetensors file of `f32` arrays.
///
/// # Errors
/// [`ErrorKind::Io`] if it cannot be read, [`ErrorKind::Corrupt`] if it is not such a file.
pub fn read_arrays(path: &Path) -> Result<Arrays> {
    let file = std::fs::read(path).map_err(|e| Error::io("read tensors", path, &e))?;
    let tensors = SafeTensors::deserialize(&file)
        .map_err(|e| Error::corrupt(path, format!("not a complete safetensors file ({e})")))?;
    let mut arrays = Arrays::new();
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(Error::corrupt(
                path,
                format!("expected tensor `{name}` of f32, got {:?}", view.dtype()),
            ));
        }
        let data = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        arrays.insert(name, Array { shape: view.shape().to_vec(), data });
    }
    Ok(arrays)
}

/// The numbers of a tensor, row-major, on the host.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("parameters are f32")
}

/// Names of a module's parameters, in the order it is visited.
pub(crate) struct Names(pub Vec<String>);

impl Names {
    pub fn of<M: Module>(model: &M) -> Self {
        struct Visitor(Vec<String>, Names);
        impl ModuleVisitor for Visitor {
            fn enter_module(&mut self, name: &str, _: &str) {
                self.0.push(name.to_string());
            }
            fn exit_module(&mut self, _: &str, _: &str) {
                self.0.pop();
            }
            fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
                self.1.0.push(self.0.join("."));
            }
        }
        let mut visitor = Visitor(Vec::new(), Names(Vec::new()));
        model.visit(&mut visitor);
        visitor.1
    }
}

struct Reader {
    path: Vec<String>,
    found: Arrays,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let array = Array { shape: value.dims().to_vec(), data: floats(value) };
        self.found.insert(self.path.join("."), array);
    }
}

struct Writer<'a> {
    path: Vec<String>,
    arrays: &'a Arrays,
    error: Option<Error>,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let shape = param.val().dims();
        match self.arrays.get(&name) {
            Some(array) if array.shape == shape => param.map(|tensor| {
                Tensor::from_data(TensorData::new(array.data.clone(), shape), &tensor.device())
            }),
            found => {
                let got = found.map_or("none".to_string(), |a| format!("{:?}", a.shape));
                let what = format!("expected parameter `{name}` of shape {shape:?}, got {got}");
                self.error.get_or_insert(Error::new(ErrorKind::Mismatch, what));
                param
            }
        }
    }
}
