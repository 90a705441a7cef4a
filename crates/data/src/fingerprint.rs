//! What tells episodes apart: a hash of all that was seen, done and earned.

use twox_hash::XxHash3_128;
use worldsmith_core::{Episode, Value};

/// 128 bits of XXH3 over observations, actions, rewards and the end of an episode, as 32 hexadecimal digits. Equal episodes
/// have equal fingerprints, on every machine and in every format; where they come from (`meta`) does not count.
pub fn fingerprint(episode: &Episode) -> String {
    let mut hasher = XxHash3_128::new();
    hasher.write(&[episode.end as u8]);
    hasher.write(&(episode.len() as u64).to_le_bytes());
    for value in episode.obs.iter().chain(&episode.actions) {
        add(&mut hasher, value);
    }
    episode.rewards.iter().for_each(|reward| hasher.write(&reward.to_le_bytes()));
    format!("{:032x}", hasher.finish_128())
}

/// Adds a value, with its kind and extent so that no two values look alike.
fn add(hasher: &mut XxHash3_128, value: &Value) {
    let head = |hasher: &mut XxHash3_128, kind: u8, extent: &[usize]| {
        hasher.write(&[kind]);
        extent.iter().for_each(|n| hasher.write(&(*n as u64).to_le_bytes()));
    };
    match value {
        Value::Discrete(i) => {
            head(hasher, 0, &[]);
            hasher.write(&i.to_le_bytes());
        }
        Value::MultiDiscrete(choices) => {
            head(hasher, 1, &[choices.len()]);
            choices.iter().for_each(|i| hasher.write(&i.to_le_bytes()));
        }
        Value::Array { shape, data } => {
            head(hasher, 2, &[shape.len()]);
            head(hasher, 2, shape);
            data.iter().for_each(|x| hasher.write(&x.to_le_bytes()));
        }
        Value::Image(image) => {
            head(hasher, 3, &image.shape());
            hasher.write(&image.data);
        }
        Value::Text(text) => {
            head(hasher, 4, &[text.len()]);
            hasher.write(text.as_bytes());
        }
        Value::Dict(parts) => {
            head(hasher, 5, &[parts.len()]);
            for (name, part) in parts {
                head(hasher, 4, &[name.len()]);
                hasher.write(name.as_bytes());
                add(hasher, part);
            }
        }
    }
}
