//! scratch
use std::time::Instant;
use worldsmith_core::*;
use worldsmith_data::Replay;
use worldsmith_plan::{Latent, Mode, Policy, RandomPolicy};
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn evaluate(policy: &dyn Policy, n: usize, seed: u64, mode: Mode) -> (f64, f64) {
    let mut envs: Vec<_> = (0..n)
        .map(|_| worldsmith_env::make(&std::env::var("TUNE_ENV").unwrap_or("breakout".into())).unwrap())
        .collect();
    let mut obs: Vec<Value> =
        envs.iter_mut().enumerate().map(|(i, e)| e.reset(Seed(seed).index(i as u64)).unwrap().obs).collect();
    let mut first = vec![true; n];
    let mut done = vec![false; n];
    let mut ret = vec![0.0; n];
    let mut mem: Latent = policy.start(n);
    let mut rng = Seed(seed).rng();
    for _ in 0..500 {
        let acts = policy.act(&mut mem, &obs, &first, mode, &mut rng).unwrap();
        for i in 0..n {
            first[i] = false;
            if !done[i] {
                let s = envs[i].step(&acts[i]).unwrap();
                ret[i] += s.reward as f64;
                done[i] = s.kind.is_last();
                obs[i] = s.obs;
            }
        }
        if done.iter().all(|d| *d) {
            break;
        }
    }
    let m = ret.iter().sum::<f64>() / n as f64;
    let sd = (ret.iter().map(|r| (r - m).powi(2)).sum::<f64>() / n as f64).sqrt();
    (m, 1.96 * sd / (n as f64).sqrt())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let arg = |k: &str, d: f64| {
        args.iter().find_map(|a| a.strip_prefix(&format!("{k}=")).map(|v| v.parse().unwrap())).unwrap_or(d)
    };
    let recipe = worldsmith_recipes::recipe("dreamer_v3").unwrap();
    let presets: toml::Table = recipe.presets().parse().unwrap();
    let preset = args.iter().find_map(|a| a.strip_prefix("preset=")).unwrap_or("small");
    let mut model = presets[preset]["model"].as_table().unwrap().clone();
    for a in &args {
        if let Some(kv) = a.strip_prefix("m.") {
            let (k, v) = kv.split_once('=').unwrap();
            let v: toml::Table = format!("x={v}").parse().unwrap();
            let mut t = &mut model;
            let parts: Vec<_> = k.split('.').collect();
            for p in &parts[..parts.len() - 1] {
                t = t.get_mut(*p).unwrap().as_table_mut().unwrap();
            }
            t.insert(parts[parts.len() - 1].into(), v["x"].clone());
        }
    }
    let model = recipe.resolve(&model).unwrap();
    let env = worldsmith_env::make(&std::env::var("TUNE_ENV").unwrap_or("breakout".into())).unwrap();
    let spec = env.spec().clone();
    let seed = Seed(arg("seed", 0.0) as u64);
    let mut learner = recipe.build(&model, &spec, seed, &worldsmith_recipes::cpu()).unwrap();
    let mut replay = Replay::new(&spec.obs, &spec.action, 200_000, seed).unwrap();
    let n_envs = 8;
    let mut envs: Vec<_> = (0..n_envs)
        .map(|_| worldsmith_env::make(&std::env::var("TUNE_ENV").unwrap_or("breakout".into())).unwrap())
        .collect();
    let total = arg("steps", 8000.0) as usize;
    let prefill = arg("prefill", 2000.0) as usize;
    let ratio = arg("ratio", 0.2);
    let random = RandomPolicy { action: spec.action.clone() };
    println!("random {:?}", evaluate(&random, 200, 99, Mode::Sample));
    let mut eps: Vec<Option<Episode>> = vec![None; n_envs];
    let mut mem = learner.policy().start(n_envs);
    let mut rng = seed.derive("act").rng();
    let mut policy: Box<dyn Policy> = Box::new(random.clone());
    let mut k = 0u64;
    let (mut steps, mut updates) = (0usize, 0usize);
    let t0 = Instant::now();
    let mut upd = 0.0;
    let mut rets = vec![];
    let mut acc: std::collections::BTreeMap<&str, f64> = Default::default();
    let mut nacc = 0;
    while steps < total {
        let mut obs = vec![];
        let mut first = vec![];
        for i in 0..n_envs {
            if eps[i].is_none() {
                k += 1;
                let s = envs[i].reset(seed.derive("env").index(k)).unwrap();
                eps[i] = Some(Episode::start(
                    s.obs,
                    EpisodeMeta {
                        env: spec.id.clone(),
                        policy: "x".into(),
                        seed: Seed(k),
                        source: "real".into(),
                        task: None,
                    },
                ));
            }
            let e = eps[i].as_ref().unwrap();
            obs.push(e.obs.last().unwrap().clone());
            first.push(e.is_empty());
        }
        let acts = policy.act(&mut mem, &obs, &first, Mode::Sample, &mut rng).unwrap();
        for i in 0..n_envs {
            let s = envs[i].step(&acts[i]).unwrap();
            let e = eps[i].as_mut().unwrap();
            let last = s.kind.is_last();
            e.push(acts[i].clone(), s).unwrap();
            steps += 1;
            if last {
                rets.push(e.total_reward());
                replay.push(e).unwrap();
                eps[i] = None;
            }
        }
        if steps >= prefill {
            while (updates as f64) < (steps - prefill) as f64 * ratio {
                let t = Instant::now();
                let m = learner.update(&mut replay).unwrap();
                upd += t.elapsed().as_secs_f64();
                updates += 1;
                nacc += 1;
                for (k, v) in m {
                    *acc.entry(k).or_insert(0.0) += v;
                }
                if updates % 100 == 0 {
                    let n = rets.len().min(50);
                    print!(
                        "{updates} steps {steps} t {:.0} ms/upd {:.0} ret {:.2} |",
                        t0.elapsed().as_secs_f64(),
                        upd * 1e3 / updates as f64,
                        rets[rets.len() - n..].iter().sum::<f32>() / n as f32
                    );
                    for (k, v) in &acc {
                        print!(" {} {:.3}", k.replace("loss/", ""), v / nacc as f64);
                    }
                    println!();
                    acc.clear();
                    nacc = 0;
                }
            }
            policy = learner.policy();
            if updates == 0 || mem.batch() == 0 {
                mem = policy.start(n_envs);
            }
        }
    }
    let p = learner.policy();
    println!(
        "greedy {:?} sample {:?} t {:.0}",
        evaluate(&*p, 100, 1234, Mode::Greedy),
        evaluate(&*p, 100, 1234, Mode::Sample),
        t0.elapsed().as_secs_f64()
    );
}
