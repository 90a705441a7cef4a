//! Film strips: what was, what was dreamt, and the difference.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use worldsmith_core::Image;
use worldsmith_data::export::png_bytes;

use super::escape;
use crate::Strip;

pub(super) fn section(strips: &[Strip]) -> String {
    let figures: String = strips.iter().map(figure).collect();
    if figures.is_empty() {
        return String::new();
    }
    let lead = "Real frames, the dream under the same actions, and the difference between them (black: none). Step 0 is the \
                last real frame shown, beside what the model makes of it.";
    super::section("Film strips", lead, &figures)
}

fn figure(strip: &Strip) -> String {
    let difference: Vec<Image> = strip.real.iter().zip(&strip.dream).map(|(a, b)| apart(a, b)).collect();
    let mut out = format!(
        "<figure class=\"film\"><figcaption>{}</figcaption><div class=\"scroll\"><table>\n<thead><tr><th>steps ahead</th>",
        escape(&strip.name)
    );
    for step in &strip.steps {
        let _ = write!(out, "<th>{step}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (name, frames) in [("real", &strip.real), ("dream", &strip.dream), ("difference", &difference)] {
        let _ = write!(out, "<tr><th>{name}</th>");
        for (step, frame) in strip.steps.iter().zip(frames) {
            let _ = write!(out, "<td>{}</td>", picture(frame, &format!("{name}, {step} steps ahead")));
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody></table></div></figure>\n"
}

/// Absolute difference, a channel at a time.
fn apart(a: &Image, b: &Image) -> Image {
    let data = a.data.iter().zip(&b.data).map(|(x, y)| x.abs_diff(*y)).collect();
    Image { data, ..Image::new(a.height, a.width, a.channels) }
}

fn picture(image: &Image, alt: &str) -> String {
    match png_bytes(image) {
        Ok(png) => {
            format!("<img alt=\"{}\" src=\"data:image/png;base64,{}\">", escape(alt), STANDARD.encode(png))
        }
        Err(why) => format!("<span title=\"{}\">–</span>", escape(&why.to_string())),
    }
}
