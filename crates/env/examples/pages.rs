//! Writes a page and a picture of every built-in world into `docs/worlds`, and the list of them.
//!
//! `cargo run -p worldsmith-env --example pages` after a world has changed; a test compares the pages with the registry.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use worldsmith_core::{Image, Result, Seed};
use worldsmith_env::{EnvEntry, Skill, envs, make_built_in};

#[path = "../tests/env/page.rs"]
mod page;

/// Side of a picture, and how many steps an expert has played when it is taken.
const SIZE_PX: usize = 256;
const N_STEPS: usize = 25;

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/worlds");
    fs::create_dir_all(&dir).expect("docs can be written");
    for entry in envs() {
        let stem = page::stem(entry);
        fs::write(dir.join(format!("{stem}.md")), page::text(entry)).expect("docs can be written");
        write_png(&picture(entry).expect("a built-in world plays"), &dir.join(format!("{stem}.png")));
    }
    fs::write(dir.join("README.md"), page::list()).expect("docs can be written");
}

/// What an expert sees in mid-episode: by default, or else through the first view that is a picture.
fn picture(entry: &EnvEntry) -> Result<Image> {
    let view = page::pictures(entry).swap_remove(0);
    let mut env = make_built_in(&format!("{}?size={SIZE_PX}{view}", entry.id))?;
    let mut rng = Seed(0).rng();
    let mut seen = env.reset(Seed(0))?;
    for _ in 0..N_STEPS {
        let next = env.step(&env.advise(Skill::Expert, &mut rng))?;
        if next.kind.is_last() {
            break;
        }
        seen = next;
    }
    Ok(seen.obs.image().expect("every world has a picture").clone())
}

fn write_png(image: &Image, path: &Path) {
    let file = BufWriter::new(File::create(path).expect("docs can be written"));
    let mut encoder = png::Encoder::new(file, image.width as u32, image.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().expect("a picture has a size");
    writer.write_image_data(&image.data).expect("docs can be written");
}
