//! Classic control against Gymnasium, from injected states.

use worldsmith_core::{Rng, Seed};
use worldsmith_env::classic::cartpole::CartPole;
use worldsmith_env::world::{Action, World};

use crate::{fixture, numbers};

#[test]
fn cartpole_equals_gymnasium_from_the_same_state() {
    let fixture = fixture("classic/cartpole.json");
    let mut rng: Rng = Seed(0).rng();
    for rollout in fixture["rollouts"].as_array().unwrap() {
        let mut state = CartPole.start(&[9.8, 0.1, 0.5, 10.0], &mut rng);
        state.cart = numbers(&rollout["start"]).try_into().unwrap();
        let actions = rollout["actions"].as_str().unwrap().bytes();
        for (t, (action, expected)) in actions.zip(rollout["steps"].as_array().unwrap()).enumerate() {
            let expected = numbers(expected);
            let outcome = CartPole.act(&mut state, Action::Choice(usize::from(action == b'r')), &mut rng);
            for (got, want) in state.cart.iter().zip(&expected) {
                // Gymnasium shows 32-bit numbers.
                assert!((got - want).abs() <= 1e-6 * want.abs().max(1.0), "step {t}: {got} {want}");
            }
            assert_eq!(f64::from(outcome.reward), expected[4]);
            assert_eq!(outcome.terminated, expected[5] == 1.0, "step {t}");
        }
    }
}
