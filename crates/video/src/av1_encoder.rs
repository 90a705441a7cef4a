//! Writing AV1 with rav1e: of constant quality, every second frame a key.

use rav1e::config::SpeedSettings;
use rav1e::prelude::{
    ChromaSampling, ColorDescription, ColorPrimaries, Config, Context, EncoderConfig, EncoderStatus,
    FrameType, MatrixCoefficients, PixelRange, Rational, SceneDetectionSpeed, TransferCharacteristics,
};

use crate::av1::units;
use crate::av1_header::SEQUENCE_HEADER;
use crate::mp4::Parsed;
use crate::writer::{KEY_INTERVAL, Packet};
use crate::yuv::Frame420;

/// Quantiser of every block, of 255: somewhat finer than LeRobot's files, so that writing again costs little.
const QUANTISER: usize = 80;
/// rav1e's quickest preset.
const SPEED: u8 = 10;

/// An encoder whose packets lag behind its frames.
pub(crate) struct Av1Encoder {
    context: Context<u8>,
    /// The sequence header unit, once known.
    header: Option<Vec<u8>>,
}

impl Av1Encoder {
    /// For frames of `width` by `height`, of which `timescale` over `delta` are shown a second.
    pub fn new(width: usize, height: usize, timescale: u32, delta: u32) -> Parsed<Self> {
        let config = EncoderConfig {
            width,
            height,
            time_base: Rational::new(delta.into(), timescale.into()),
            chroma_sampling: ChromaSampling::Cs420,
            pixel_range: PixelRange::Limited,
            color_description: Some(ColorDescription {
                color_primaries: ColorPrimaries::BT709,
                transfer_characteristics: TransferCharacteristics::SRGB,
                matrix_coefficients: MatrixCoefficients::BT601,
            }),
            min_key_frame_interval: KEY_INTERVAL.into(),
            max_key_frame_interval: KEY_INTERVAL.into(),
            low_latency: true,
            quantizer: QUANTISER,
            speed_settings: speed_settings(),
            ..EncoderConfig::with_speed_preset(SPEED)
        };
        let context = Config::new().with_encoder_config(config).with_threads(1).new_context();
        let context = context.map_err(|err| format!("cannot start the AV1 encoder: {err}"))?;
        Ok(Self { context, header: None })
    }

    /// Takes a frame; gives the packets that are ready.
    pub fn encode(&mut self, frame: &Frame420) -> Parsed<Vec<Packet>> {
        let mut picture = self.context.new_frame();
        let [luma, chroma] = frame.strides();
        for (plane, (samples, stride)) in
            picture.planes.iter_mut().zip(frame.samples.iter().zip([luma, chroma, chroma]))
        {
            plane.copy_from_raw_u8(samples, stride, 1);
        }
        self.context.send_frame(picture).map_err(|err| format!("cannot encode AV1: {err}"))?;
        self.packets()
    }

    /// The packets of all frames that are still in the encoder.
    pub fn finish(&mut self) -> Parsed<Vec<Packet>> {
        self.context.flush();
        self.packets()
    }

    /// The content of the `av1C` box, once a frame was encoded.
    pub fn config(&self) -> Option<Vec<u8>> {
        let mut config = self.context.container_sequence_header();
        config.extend_from_slice(self.header.as_ref()?);
        Some(config)
    }

    fn packets(&mut self) -> Parsed<Vec<Packet>> {
        let mut packets = Vec::new();
        loop {
            match self.context.receive_packet() {
                Ok(packet) => {
                    let header = &mut self.header;
                    // Without the delimiter that begins it, as mp4 wants it.
                    let bytes = units(&packet.data, |payload| *header = Some(header_unit(payload)));
                    let bytes = bytes.ok_or("the AV1 encoder gave half a frame")?;
                    packets.push(Packet { bytes, is_key: packet.frame_type == FrameType::KEY });
                }
                Err(EncoderStatus::Encoded) => {}
                Err(EncoderStatus::NeedMoreData | EncoderStatus::LimitReached) => return Ok(packets),
                Err(err) => return Err(format!("cannot encode AV1: {err}")),
            }
        }
    }
}

fn speed_settings() -> SpeedSettings {
    let mut settings = SpeedSettings::from_preset(SPEED);
    settings.scene_detection_mode = SceneDetectionSpeed::None;
    // Filters that take as long to decode as all the rest, for very little at this quality.
    settings.cdef = false;
    settings.lrf = false;
    settings
}

/// A sequence header as a unit of its own. Its payload is far below 128 bytes, so that one byte holds its length.
fn header_unit(payload: &[u8]) -> Vec<u8> {
    [&[SEQUENCE_HEADER << 3 | 2, payload.len() as u8 & 127], payload].concat()
}
