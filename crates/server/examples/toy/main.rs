//! Serves a toy game with a hand-written, slightly wrong model of it: the page without a trained run.
//!
//!     cargo run -p worldsmith-server --example toy -- 127.0.0.1:7860 [token]

mod paddle;

use worldsmith_server::{ServeOptions, serve};

fn main() -> worldsmith::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut options = ServeOptions::new(paddle::info(), paddle::factory(0.06, true));
    if let Some(bind) = args.next() {
        options.bind = bind.parse().map_err(|_| {
            worldsmith::Error::invalid(format!("expected an address such as `127.0.0.1:7860`, got `{bind}`"))
        })?;
    }
    options.token = args.next();
    serve(options, |address| println!("http://{address}/"))
}
