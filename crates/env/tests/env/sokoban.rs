//! Sokoban against gym-sokoban, from injected rooms.

use worldsmith_env::grid::sokoban::room::Room;

use crate::fixture;

#[test]
fn moves_and_rewards_equal_those_of_gym_sokoban() {
    let fixture = fixture("sokoban/sokoban.json");
    let (mut n_steps, mut n_solved, mut n_pushes) = (0, 0, 0);
    for rollout in fixture["rollouts"].as_array().unwrap() {
        let mut room = Room::parse(rollout["start"].as_str().unwrap());
        assert!(room.is_sound(), "{rollout}");
        let actions = rollout["actions"].as_str().unwrap().bytes();
        for (action, step) in actions.zip(rollout["steps"].as_array().unwrap()) {
            let before = room.boxes;
            let way = b"udlr".iter().position(|letter| *letter == action).unwrap();
            let tenths = (room.step(way) * 10.0).round() as i64;
            let expected = Room::parse(step[0].as_str().unwrap());
            assert_eq!((&room, Some(tenths)), (&expected, step[1].as_i64()), "{}", step[0]);
            assert_eq!(Some(room.is_solved()), step[2].as_bool());
            n_steps += 1;
            n_pushes += u32::from(room.boxes != before);
        }
        n_solved += u32::from(room.is_solved());
    }
    eprintln!("{n_steps} steps, {n_pushes} pushes, {n_solved} solved");
    assert!(n_steps > 300 && n_pushes > 8 && n_solved > 2);
}
