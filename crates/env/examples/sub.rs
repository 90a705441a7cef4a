use worldsmith_core::Seed;
use worldsmith_env::Options;
use worldsmith_env::table::pusht::{self, PushT};
use worldsmith_env::world::World;
fn main() {
    let f: serde_json::Value =
        serde_json::from_slice(&std::fs::read("/tmp/made/table/pusht.json").unwrap()).unwrap();
    let args: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let r = &f["rollouts"][args[0]];
    let n = |v: &serde_json::Value| -> Vec<f64> {
        v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let world = PushT::new(&Options::parse("pusht").unwrap().1).unwrap();
    let defaults: Vec<f32> = pusht::ENTRY.factors.iter().map(|factor| factor.default).collect();
    let mut state = world.start(&defaults, &mut Seed(0).rng());
    let s = n(&r["start"]);
    world.set(&mut state, [s[0], s[1]], [s[2], s[3]], s[4]);
    let a = n(&r["actions"]);
    for i in 0..args[1] {
        world.trace(&mut state, [a[2 * i], a[2 * i + 1]], i + 1 == args[1]);
    }
}
