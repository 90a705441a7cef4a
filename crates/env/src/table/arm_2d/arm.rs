//! The arm: three joints in the plane and a hand with two fingers.

use serde::{Deserialize, Serialize};

use crate::table::shape::{Shape, Vec2, add, direction, length, scale, sub, turned, wrapped};

/// Where the arm is fixed.
pub const BASE_PX: Vec2 = [256.0, 480.0];
/// Length of the link at the base.
pub const UPPER_PX: f64 = 210.0;
/// From the wrist to the middle between the fingers.
pub const GRIP_PX: f64 = 44.0;
/// Widest opening between the fingers.
pub const OPEN_PX: f64 = 72.0;
/// How fast the opening changes.
const OPENING_PX_PER_SEC: f64 = 160.0;
/// Between which angles each joint moves.
pub const LIMITS_RAD: [[f64; 2]; 3] = [[-4.4, 1.3], [0.0, 2.8], [-2.6, 2.6]];
/// The palm and a finger that touches the hand's axis, as the hand sees them: it points along x from the wrist.
const PALM: [Vec2; 2] = [[5.0, -52.0], [20.0, 52.0]];
const FINGER: [Vec2; 2] = [[20.0, 0.0], [64.0, 14.0]];

/// How the arm stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Direction of the upper arm, then how far forearm and hand are turned against what they hang on.
    pub joints_rad: [f64; 3],
    /// Distance of the fingers.
    pub opening_px: f64,
    /// Length of the forearm.
    pub forearm_px: f64,
}

impl Arm {
    /// Whether it can stand like this.
    pub fn is_sound(&self) -> bool {
        let within = |(joint, [low, high]): (&f64, [f64; 2])| (low..=high).contains(joint);
        self.joints_rad.iter().zip(LIMITS_RAD).all(within)
            && (0.0..=OPEN_PX).contains(&self.opening_px)
            && (1.0..=400.0).contains(&self.forearm_px)
    }

    /// Where the elbow is.
    pub fn elbow(&self) -> Vec2 {
        add(BASE_PX, scale(direction(self.joints_rad[0]), UPPER_PX))
    }

    /// Where the hand begins.
    pub fn wrist(&self) -> Vec2 {
        let [upper, fore, _] = self.joints_rad;
        add(self.elbow(), scale(direction(upper + fore), self.forearm_px))
    }

    /// Which way the hand points.
    pub fn hand_rad(&self) -> f64 {
        self.joints_rad.iter().sum()
    }

    /// The middle between the fingers.
    pub fn grip(&self) -> Vec2 {
        self.before_hand(GRIP_PX)
    }

    /// The point so far before the wrist.
    pub fn before_hand(&self, px: f64) -> Vec2 {
        add(self.wrist(), scale(direction(self.hand_rad()), px))
    }

    /// Where palm and fingers are.
    pub fn parts(&self) -> [Vec2; 3] {
        let aside = turned([0.0, self.opening_px / 2.0], direction(self.hand_rad()));
        [self.wrist(), sub(self.wrist(), aside), add(self.wrist(), aside)]
    }

    /// Outlines of palm and fingers, each around its place in [`Arm::parts`], before they are turned with the hand.
    pub fn outlines() -> [Shape; 3] {
        let [[near, _], [far, wide]] = FINGER;
        [
            Shape::rect(PALM[0], PALM[1]),
            Shape::rect([near, -wide], [far, 0.0]),
            Shape::rect([near, 0.0], [far, wide]),
        ]
    }

    /// Turns the joints and, unless something is held, opens or closes the fingers, each as fast as commanded from -1 to 1.
    pub fn advance(&mut self, command: [f64; 4], radps: f64, holds: bool, secs: f64) {
        for (i, [low, high]) in LIMITS_RAD.into_iter().enumerate() {
            self.joints_rad[i] = (self.joints_rad[i] + command[i] * radps * secs).clamp(low, high);
        }
        if !holds {
            let by = command[3] * OPENING_PX_PER_SEC * secs;
            self.opening_px = (self.opening_px + by).clamp(0.0, OPEN_PX);
        }
    }

    /// The joints with which the grip is at `grip` and the hand points to `hand_rad`, or nearly where the arm is too short.
    pub fn reaching(&self, grip: Vec2, hand_rad: f64) -> [f64; 3] {
        let gap = sub(sub(grip, scale(direction(hand_rad), GRIP_PX)), BASE_PX);
        let fore = self.forearm_px;
        let far = length(gap).clamp((UPPER_PX - fore).abs() + 1.0, UPPER_PX + fore - 1.0);
        let cos = (far * far - UPPER_PX * UPPER_PX - fore * fore) / (2.0 * UPPER_PX * fore);
        let elbow = cos.clamp(-1.0, 1.0).acos();
        let inner = (fore * elbow.sin()).atan2(UPPER_PX + fore * elbow.cos());
        let shoulder = gap[1].atan2(gap[0]) - inner;
        let shoulder = self.joints_rad[0] + wrapped(shoulder - self.joints_rad[0]);
        [shoulder, elbow, wrapped(hand_rad - shoulder - elbow)]
    }

    /// The command that brings the joints to `joints_rad`, all at the same time, as far as it can within `secs`.
    pub fn towards(&self, joints_rad: [f64; 3], radps: f64, secs: f64) -> [f64; 3] {
        let ways: [f64; 3] = std::array::from_fn(|i| (joints_rad[i] - self.joints_rad[i]) / (radps * secs));
        let most = ways.iter().fold(1.0_f64, |most, way| most.max(way.abs()));
        ways.map(|way| way / most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_joints_found_for_a_point_lead_there() {
        let arm = Arm { joints_rad: [-2.5, 2.0, -1.0], opening_px: OPEN_PX, forearm_px: 170.0 };
        for (grip, hand) in [([256.0, 150.0], -1.5), ([150.0, 180.0], -2.2), ([380.0, 160.0], -0.9)] {
            let there = Arm { joints_rad: arm.reaching(grip, hand), ..arm };
            assert!(length(sub(there.grip(), grip)) < 1e-9 && there.is_sound());
            assert!(wrapped(there.hand_rad() - hand).abs() < 1e-9);
            let way = arm.towards(there.joints_rad, 2.0, 0.1);
            assert!(way.iter().any(|part| part.abs() == 1.0), "far away: full speed");
        }
        let far = Arm { joints_rad: arm.reaching([256.0, -900.0], -1.5), ..arm };
        assert!(length(sub(far.wrist(), BASE_PX)) > 378.0, "stretched out");
    }
}
