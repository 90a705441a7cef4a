//! Toy text worlds against Gymnasium's tables of transitions: every state and action.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use worldsmith_core::{Seed, Space, Value};
use worldsmith_env::toy_text::cliff_walking::CliffWalking;
use worldsmith_env::toy_text::lake::Lake;
use worldsmith_env::toy_text::table::Way;
use worldsmith_env::toy_text::taxi::{self, Ride, Taxi};
use worldsmith_env::world::{Action, World};
use worldsmith_env::{make, make_built_in};

use crate::{fixture, numbers};

fn tables(world: &str) -> Vec<Json> {
    fixture(&format!("toy_text/{world}.json"))["tables"].as_array().unwrap().clone()
}

/// Checks a table against `ways`, the ways in which an action in a state can turn out; all numbers are equal to the bit.
fn same_table(table: &Json, ways: impl Fn(usize, usize) -> Vec<Way>) {
    let (probabilities, rewards) = (numbers(&table["probabilities"]), numbers(&table["rewards"]));
    let rows = table["rows"].as_array().unwrap();
    for (state, row) in rows.iter().enumerate() {
        for (action, cell) in row.as_str().unwrap().split(';').enumerate() {
            let expected = cell.split(' ').map(|code| {
                let parts: Vec<&str> = code.trim_end_matches('!').split(',').collect();
                let index = |i: usize| parts[i].parse::<usize>().unwrap();
                Way {
                    probability: probabilities[index(0)],
                    next: index(2),
                    reward: rewards[index(1)] as f32,
                    terminated: code.ends_with('!'),
                }
            });
            let expected: Vec<Way> = expected.collect();
            assert_eq!(
                ways(state, action),
                expected,
                "state {state}, action {action} of {}",
                table["kwargs"]
            );
        }
    }
}

/// The states in which `id` starts an episode, over many seeds.
fn starts_of(id: &str) -> BTreeSet<i64> {
    let mut env = make(id).unwrap();
    let state = |obs: Value| obs.as_discrete().expect("a number of a state");
    (0..4000).map(|seed| state(env.reset(Seed(seed)).unwrap().obs)).collect()
}

fn starts(table: &Json) -> BTreeSet<i64> {
    numbers(&table["starts"]).iter().map(|x| *x as i64).collect()
}

#[test]
fn frozen_lake_has_gymnasiums_table_on_every_map() {
    for table in tables("frozen_lake") {
        let rows: Vec<&str> = table["lake"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        let (lake, kwargs) = (Lake::parse(&rows).unwrap(), &table["kwargs"]);
        let success = match kwargs["is_slippery"] == false {
            true => None,
            false => Some(kwargs["success_rate"].as_f64().unwrap_or(1.0 / 3.0)),
        };
        same_table(&table, |place, action| lake.ways(place, action, success).to_vec());
        let map = rows.join("/");
        assert_eq!(starts_of(&format!("frozen_lake?map={map}")), starts(&table), "{map}");
    }
    let named = |id: &str, table: &Json| {
        let mut env = make_built_in(&format!("{id}obs=text")).unwrap();
        let Value::Text(text) = env.reset(Seed(0)).unwrap().obs else { panic!("text") };
        let rows: Vec<&str> = table["lake"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        assert_eq!(text, format!("@{}\nThe walker (@) is at the start.", &rows.join("\n")[1..]));
    };
    named("frozen_lake?", &tables("frozen_lake")[0]);
    named("frozen_lake?map=8x8&", &tables("frozen_lake")[3]);
}

#[test]
fn cliff_walking_has_gymnasiums_table() {
    for table in tables("cliff_walking") {
        let slippery = table["slippery"].as_str().unwrap();
        let world = CliffWalking::new(slippery == "true");
        same_table(&table, |place, action| world.ways(place, action).to_vec());
        assert_eq!(starts_of(&format!("cliff_walking?slippery={slippery}")), starts(&table));
    }
}

#[test]
fn taxi_has_gymnasiums_table_dry_and_rainy() {
    for table in tables("taxi") {
        let kwargs = &table["kwargs"];
        let rain = kwargs["is_rainy"].as_bool().map(|_| kwargs["rainy_probability"].as_f64().unwrap_or(0.8));
        same_table(&table, |state, action| Ride::of(state).ways(action, rain).to_vec());
        assert_eq!(table["rows"].as_array().unwrap().len(), taxi::N_STATES);
        assert_eq!(starts_of("taxi"), starts(&table));
    }
}

/// `act` is asked so often that it comes to every state that chance allows.
#[test]
fn a_fickle_passenger_changes_to_where_one_of_gymnasiums_does() {
    const N_DRAWS: usize = 300;
    let mut n_cells = 0;
    for table in tables("taxi").iter().filter(|table| table["fickle"].is_array()) {
        let kwargs = &table["kwargs"];
        let world = Taxi::new(kwargs["is_rainy"] == true, true);
        let rain = kwargs["rainy_probability"].as_f64().unwrap_or(0.8) as f32;
        let mut rng = Seed(1).rng();
        let start = world.start(&[rain, 1.0, 0.0, 1.0], &mut rng);
        assert!(start.wavering, "always, at a rate of one");
        for (state, row) in table["fickle"].as_array().unwrap().iter().enumerate() {
            for (action, cell) in row.as_str().unwrap().split(';').enumerate() {
                let expected: BTreeSet<String> = cell.split(' ').map(str::to_owned).collect();
                let mut reached = BTreeSet::new();
                for _ in 0..N_DRAWS {
                    let mut now = taxi::State { ride: Ride::of(state), ..start };
                    world.act(&mut now, Action::Choice(action), &mut rng);
                    let unused = if now.wavering { "~" } else { "" };
                    reached.insert(format!("{}{unused}", now.ride.state()));
                }
                assert_eq!(reached, expected, "state {state}, action {action} of {kwargs}");
                n_cells += 1;
            }
        }
    }
    assert!(n_cells >= taxi::N_STATES * 6);
}

#[test]
fn only_some_passengers_are_fickle_and_only_where_it_was_asked_for() {
    let count = |fickle: bool| {
        let world = Taxi::new(false, fickle);
        let start = |seed| world.start(&[0.8, 0.3, 0.0, 1.0], &mut Seed(seed).rng());
        (0..4000).filter(|seed| start(*seed).wavering).count()
    };
    assert_eq!(count(false), 0);
    assert!((1100..1300).contains(&count(true)), "three of ten");
}

#[test]
fn a_random_lake_differs_between_episodes_and_is_crossed_by_the_expert() {
    let mut env = make_built_in("frozen_lake?map=random&side=6&slippery=false&obs=text").unwrap();
    let mut lakes = BTreeSet::new();
    for seed in 0..20 {
        let mut rng = Seed(seed).rng();
        let mut step = env.reset(Seed(seed)).unwrap();
        lakes.insert(format!("{:?}", step.obs));
        while !step.kind.is_last() {
            step = env.step(&env.advise(worldsmith_env::Skill::Expert, &mut rng)).unwrap();
        }
        assert_eq!(step.reward, 1.0, "seed {seed}");
    }
    assert!(lakes.len() > 18);
    let spec = make("frozen_lake?map=random&side=6").unwrap().spec().clone();
    assert_eq!((spec.obs, spec.max_steps), (Space::Discrete { n: 36 }, Some(200)));
}

#[test]
fn a_ride_is_told_in_words() {
    let text = |state: usize| {
        let world = Taxi::new(false, false);
        let mut now = world.start(&[0.8, 0.3, 0.0, 1.0], &mut Seed(0).rng());
        now.ride = Ride::of(state);
        let mut text = String::new();
        world.show(&now, 2, worldsmith_env::world::Sight::Text(&mut text));
        text
    };
    let town = "+---------+\n|R: | : :G|\n| : | : : |\n| : : :@: |\n| | : | : |\n|Y| : |B: |\n+---------+\n";
    let at = ((2 * 5 + 3) * 5 + 1) * 4;
    assert_eq!(
        text(at),
        format!(
            "{town}The taxi (@) is in row 2, column 3. The passenger is at green and wants to go to red."
        )
    );
    let aboard = ((2 * 5 + 3) * 5 + 4) * 4 + 3;
    assert!(text(aboard).ends_with("The passenger is in the taxi and wants to go to blue."));
}

#[test]
fn options_of_lakes_are_checked() {
    for (id, part) in [
        ("frozen_lake?map=5x5", "option `map` of `frozen_lake?map=5x5`: expected at most 16 equal rows"),
        ("frozen_lake?map=FF/FG", "with a start, got none"),
        ("frozen_lake?side=17", "expected a number from 2 to 16, got `17`"),
        ("frozen_lake?frozen=0.5", "expected a number from 0.6 to 1, got `0.5`"),
        ("frozen_lake?slippery=perhaps", "expected `true` or `false`, got `perhaps`"),
    ] {
        let message = make(id).err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
    }
}
