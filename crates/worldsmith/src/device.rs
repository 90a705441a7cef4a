//! Where tensors live: the CPU, unless a program chooses otherwise at its start.

use std::sync::OnceLock;

use burn::prelude::Device;
use worldsmith_core::{Error, Result};

/// Whether the GPU was chosen.
static USE_GPU: OnceLock<bool> = OnceLock::new();

/// Chooses the device of this whole process: `cpu`, or `vulkan` in a program built with that feature. The first choice
/// holds; without one it is the CPU.
///
/// # Errors
/// For other names, and for `vulkan` in a program built without it.
pub fn choose_device(name: &str) -> Result<()> {
    let use_gpu = match name {
        "cpu" => false,
        "vulkan" if cfg!(feature = "vulkan") => true,
        "vulkan" => {
            return Err(Error::invalid("expected device `cpu`, got `vulkan`, which is not in this build")
                .hint("build with `cargo build --release --features vulkan`"));
        }
        other => return Err(Error::invalid(format!("expected device `cpu` or `vulkan`, got `{other}`"))),
    };
    USE_GPU.get_or_init(|| use_gpu);
    Ok(())
}

/// The device everything runs on.
pub(crate) fn device() -> Device {
    #[cfg(feature = "vulkan")]
    if *USE_GPU.get_or_init(|| false) {
        return Device::vulkan(Default::default());
    }
    worldsmith_nn::cpu()
}
