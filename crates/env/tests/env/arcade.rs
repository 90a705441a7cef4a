//! MinAtar's games against the package, from injected states.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use worldsmith_core::{Rng, Seed};
use worldsmith_env::arcade::minatar::{Planes, Rules};
use worldsmith_env::arcade::{asterix, breakout, freeway, seaquest, space_invaders};

use crate::fixture;

/// Makes the changes of one turn: objects say what is new by field or place, everything else replaces.
fn patch(value: &mut Json, changes: &Json) {
    let Json::Object(parts) = changes else { return *value = changes.clone() };
    match value {
        Json::Object(fields) => parts.iter().for_each(|(name, part)| patch(&mut fields[name], part)),
        Json::Array(list) => {
            parts.iter().for_each(|(place, part)| patch(&mut list[place.parse::<usize>().unwrap()], part));
        }
        other => *other = changes.clone(),
    }
}

/// Plays all rollouts of a game; `turn` takes a step with what the package drew.
fn replay<G>(name: &str, turn: impl Fn(&mut G, usize, &Json) -> f32)
where
    G: Rules + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let fixture = fixture(&format!("minatar/{name}.json"));
    let (mut n_steps, mut n_lost, mut total) = (0, 0, 0.0);
    for (i, rollout) in fixture["rollouts"].as_array().unwrap().iter().enumerate() {
        let mut expected = rollout["start"].clone();
        let mut game: G = serde_json::from_value(expected.clone()).unwrap();
        assert!(game.is_sound(), "{expected}");
        for (t, step) in rollout["turns"].as_array().unwrap().iter().enumerate() {
            let reward = turn(&mut game, step[0].as_u64().unwrap() as usize, &step[1]);
            patch(&mut expected, &step[3]);
            assert_eq!(f64::from(reward), step[2].as_f64().unwrap(), "rollout {i}, step {t}: reward");
            assert_eq!(serde_json::to_value(&game).unwrap(), expected, "rollout {i}, step {t}");
            assert!(game.is_sound() || game.is_over(), "rollout {i}, step {t}: {game:?}");
            (n_steps, total) = (n_steps + 1, total + reward);
        }
        n_lost += u32::from(game.is_over());
        let mut planes = vec![0.0; 100 * G::N_PLANES];
        game.mark(&mut Planes::new(&mut planes, G::N_PLANES));
        let marked: Vec<usize> = (0..planes.len()).filter(|at| planes[*at] != 0.0).collect();
        assert_eq!(serde_json::to_value(marked).unwrap(), rollout["planes"], "rollout {i}");
    }
    eprintln!("{name}: {n_steps} steps, {n_lost} lost, {total} points");
    assert!(n_steps > 100 && n_lost > 0 && total > 0.0, "the fixture has steps, ends and points");
}

/// Compares how often each value is drawn with how often the package drew it: within 5 standard deviations.
fn compare_draws(name: &str, draw: impl Fn(&mut Rng) -> Vec<i64>) {
    let fixture = fixture(&format!("minatar/{name}.json"));
    let n_draws = fixture["n_draws"].as_u64().unwrap();
    let mut counts = std::collections::BTreeMap::<String, f64>::new();
    let mut rng = Seed(3).rng();
    for _ in 0..n_draws {
        for (i, value) in draw(&mut rng).into_iter().enumerate() {
            *counts.entry(format!("{i}:{value}")).or_default() += 1.0;
        }
    }
    let expected = fixture["draws"].as_object().unwrap();
    assert_eq!(counts.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (value, count) in &counts {
        let theirs = expected[value].as_f64().unwrap();
        assert!((count - theirs).abs() < 5.0 * (2.0 * theirs).sqrt(), "{value}: {count} against {theirs}");
    }
}

#[test]
fn asterix_equals_minatar_cell_for_cell() {
    replay("asterix", |game: &mut asterix::Game, choice, drawn| {
        let arrival = drawn.as_array().map(|drawn| {
            let mut empty = (0..8).filter(|lane| game.lanes[*lane].is_none());
            asterix::Arrival {
                lane: empty.nth(drawn[0].as_u64().unwrap() as usize).unwrap(),
                right: drawn[1].as_bool().unwrap(),
                gold: drawn[2].as_bool().unwrap(),
            }
        });
        assert!(arrival.is_none() || game.spawn_timer == 0);
        game.turn(choice, true, arrival)
    });
    compare_draws("asterix", |rng| {
        let mut game = asterix::Game::start(&[10.0, 5.0], rng);
        game.spawn_timer = 0;
        let arrival = asterix::Arrival::draw(&game, rng).unwrap();
        vec![arrival.lane as i64, i64::from(arrival.right), i64::from(arrival.gold)]
    });
}

#[test]
fn breakout_equals_minatar_cell_for_cell() {
    replay("breakout", |game: &mut breakout::Game, choice, _| game.turn([0, -1, 1][choice]));
    let fixture = fixture("minatar/breakout.json");
    let last = fixture["rollouts"].as_array().unwrap().last().unwrap();
    let points: u64 = last["turns"].as_array().unwrap().iter().map(|turn| turn[2].as_u64().unwrap()).sum();
    assert!(points > 30, "the fixture clears a wall");
}

#[test]
fn freeway_equals_minatar_cell_for_cell() {
    replay("freeway", |game: &mut freeway::Game, choice, drawn| {
        game.turn(choice, || serde_json::from_value(drawn.clone()).expect("paces at a crossing"))
    });
    compare_draws("freeway", |rng| vec![i64::from(freeway::draw_paces(rng)[3])]);
}

#[test]
fn seaquest_equals_minatar_cell_for_cell() {
    replay("seaquest", |game: &mut seaquest::Game, choice, drawn| {
        let enemy: Option<(bool, bool, i32)> = serde_json::from_value(drawn[0].clone()).unwrap();
        let diver: Option<(bool, i32)> = serde_json::from_value(drawn[1].clone()).unwrap();
        assert_eq!((enemy.is_some(), diver.is_some()), (game.spawn_timer == 0, game.diver_timer == 0));
        let arrivals = seaquest::Arrivals {
            enemy: enemy.map(|(right, submarine, row)| seaquest::Arrival { right, submarine, row }),
            diver: diver.map(|(right, row)| seaquest::DiverArrival { right, row }),
        };
        game.turn(choice, true, &arrivals)
    });
    compare_draws("seaquest", |rng| {
        let seaquest::Arrival { right, submarine, row } = seaquest::Arrival::draw(rng);
        let diver = seaquest::DiverArrival::draw(rng);
        let flags = [right, submarine, diver.right].map(i64::from);
        vec![flags[0], flags[1], i64::from(row), flags[2], i64::from(diver.row)]
    });
}

#[test]
fn space_invaders_equals_minatar_cell_for_cell() {
    replay("space_invaders", |game: &mut space_invaders::Game, choice, _| game.turn(choice, true));
}
