//! Arcade games against their references.

use worldsmith_env::arcade::breakout::Game;

use crate::{fixture, numbers};

#[test]
fn breakout_equals_minatar_cell_for_cell() {
    let fixture = fixture("minatar/breakout.json");
    let mut cleared = 0;
    for episode in fixture["episodes"].as_array().unwrap() {
        let states: Vec<Vec<f64>> = episode["states"].as_array().unwrap().iter().map(numbers).collect();
        let mut game = Game::new(states[0][1] == 9.0);
        let mut reward = 0.0;
        for (t, state) in states.iter().enumerate() {
            if t > 0 {
                let push = match episode["actions"].as_str().unwrap().as_bytes()[t - 1] {
                    b'l' => -1,
                    b'r' => 1,
                    _ => 0,
                };
                reward = game.act(push);
            }
            let bits: u32 = game.bricks.iter().flatten().enumerate().map(|(i, b)| u32::from(*b) << i).sum();
            cleared += u32::from(bits == 0);
            let [ball_x, ball_y] = game.ball.map(f64::from);
            let [trail_x, trail_y] = game.trail.map(f64::from);
            let paddle = f64::from(game.paddle);
            let (bits, reward, lost) = (f64::from(bits), f64::from(reward), f64::from(u8::from(game.lost)));
            let got = [paddle, ball_x, ball_y, trail_x, trail_y, bits, reward, lost];
            assert_eq!(got[..], state[..], "seed {}, step {t}", episode["seed"]);
        }
    }
    assert!(cleared > 1, "the fixture clears a wall more than once");
}
