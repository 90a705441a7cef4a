//! Writing H.264 with OpenH264: Baseline, of constant quality (quantiser 26 of 51, OpenH264's own choice where nothing
//! controls the rate), every second frame a key.

use openh264::OpenH264API;
use openh264::encoder::{Encoder, EncoderConfig, FrameRate, IntraFramePeriod, Profile, RateControlMode};
use openh264::formats::YUVSlices;

use crate::h264::{INSTANT_REFRESH_SLICE, PICTURE_SET, SEQUENCE_SET, SLICE, kind};
use crate::mp4::Parsed;
use crate::writer::{KEY_INTERVAL, Packet};
use crate::yuv::Frame420;

/// An encoder that gives a packet for each frame.
pub(crate) struct H264Encoder {
    encoder: Encoder,
    /// The sequence and the picture parameter set, once known.
    sets: [Vec<u8>; 2],
}

impl H264Encoder {
    /// For frames shown `fps` times a second.
    pub fn new(fps: f64) -> Parsed<Self> {
        let config = EncoderConfig::new()
            .profile(Profile::Baseline)
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            .rate_control_mode(RateControlMode::Off)
            .intra_frame_period(IntraFramePeriod::from_num_frames(KEY_INTERVAL))
            .skip_frames(false)
            .scene_change_detect(false)
            .background_detection(false)
            .adaptive_quantization(false)
            .num_threads(1);
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|err| format!("cannot start the H.264 encoder: {err}"))?;
        Ok(Self { encoder, sets: Default::default() })
    }

    /// Encodes a frame.
    pub fn encode(&mut self, frame: &Frame420) -> Parsed<Packet> {
        let [y, u, v] = &frame.samples;
        let [luma, chroma] = frame.strides();
        let source = YUVSlices::new((y, u, v), (frame.width, frame.height), (luma, chroma, chroma));
        let coded = self.encoder.encode(&source).map_err(|err| format!("cannot encode H.264: {err}"))?;
        let mut packet = Packet::default();
        for layer in (0..coded.num_layers()).filter_map(|idx| coded.layer(idx)) {
            for nal in (0..layer.nal_count()).filter_map(|idx| layer.nal_unit(idx)) {
                let nal = without_start_code(nal);
                match kind(nal) {
                    SEQUENCE_SET => self.sets[0] = nal.to_vec(),
                    PICTURE_SET => self.sets[1] = nal.to_vec(),
                    SLICE | INSTANT_REFRESH_SLICE => {
                        packet.is_key |= kind(nal) == INSTANT_REFRESH_SLICE;
                        packet.bytes.extend_from_slice(&(nal.len() as u32).to_be_bytes());
                        packet.bytes.extend_from_slice(nal);
                    }
                    _ => {}
                }
            }
        }
        if packet.bytes.is_empty() { Err("the H.264 encoder left out a frame".into()) } else { Ok(packet) }
    }

    /// The content of the `avcC` box, once a frame was encoded.
    pub fn config(&self) -> Option<Vec<u8>> {
        let [sps, pps] = &self.sets;
        let profile = sps.get(1..4)?;
        // Version 1, lengths of four bytes, one set of each kind.
        let mut avcc = [&[1], profile, &[0xff, 0xe1]].concat();
        avcc.extend_from_slice(&(sps.len() as u16).to_be_bytes());
        avcc.extend_from_slice(sps);
        avcc.push(1);
        avcc.extend_from_slice(&(pps.len() as u16).to_be_bytes());
        avcc.extend_from_slice(pps);
        Some(avcc)
    }
}

fn without_start_code(nal: &[u8]) -> &[u8] {
    let n_zeros = nal.iter().take_while(|byte| **byte == 0).count();
    nal.get(n_zeros + 1..).unwrap_or_default()
}
