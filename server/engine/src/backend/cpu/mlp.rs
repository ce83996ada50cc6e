//! The MLP of a block on the CPU: gated, plain, or a few of many experts.

use pilotlight_kernels::cpu::{Activation, Activations, Arena, Buffer, Pool, activated, gated, linear};

use super::{PASS, Step, layer::Projection};
use crate::{
    EngineError,
    config::{DecoderConfig, Experts},
    decoder,
};

pub(super) enum Mlp {
    Gated(Gated),
    Plain { up: Projection, down: Projection },
    Experts { router: Projection, experts: Vec<Gated>, shared: Option<Gated>, shape: Experts },
}

pub(super) struct Gated {
    gate: Projection,
    up: Projection,
    down: Projection,
}

/// The buffers of a pass through experts.
pub(super) struct ExpertStep {
    /// `[PASS, count]`: the router's probabilities.
    router: Buffer<f32>,
    /// `[PASS, used]`: which experts each token takes, and how much of each.
    chosen: Vec<(usize, f32)>,
    /// The tokens of the expert at hand, and how much of it they take; at most PASS.
    tokens: Vec<(usize, f32)>,
    /// `[PASS, hidden]`: their rows.
    input: Activations,
    /// `[PASS, hidden]`
    output: Buffer<f32>,
    /// `[PASS, width]`: the inner half of what every token takes, and of blocks without experts.
    shared: Option<Activations>,
    leading: Option<Activations>,
}

impl Mlp {
    pub(super) fn new(arena: &mut Arena, mlp: &decoder::Mlp) -> Result<Self, EngineError> {
        Ok(match mlp {
            decoder::Mlp::Gated(gated) => Self::Gated(Gated::new(arena, gated)?),
            decoder::Mlp::Plain { up, down } => {
                Self::Plain { up: Projection::new(arena, up)?, down: Projection::new(arena, down)? }
            }
            decoder::Mlp::Experts { router, experts, shared, shape } => Self::Experts {
                router: Projection::new(arena, router)?,
                experts: experts.iter().map(|expert| Gated::new(arena, expert)).collect::<Result<_, _>>()?,
                shared: shared.as_ref().map(|shared| Gated::new(arena, shared)).transpose()?,
                shape: *shape,
            },
        })
    }

    /// Adds the MLP of the first `t` rows of `normed` to the residual stream.
    pub(super) fn add(&self, pool: &Pool, activation: Activation, t: usize, s: &mut Step) {
        let hidden = s.normed.columns();
        match self {
            Self::Gated(Gated { gate, up, down }) => {
                let inner = s.experts.as_mut().and_then(|e| e.leading.as_mut()).unwrap_or(&mut s.gated);
                gated(pool, activation, gate.gate(), up.gate(), &s.normed, t, inner);
                linear(pool, inner, 0, t, &mut [down.residual(&mut s.x[..t * hidden])]);
            }
            Self::Plain { up, down } => {
                activated(pool, activation, up.gate(), &s.normed, t, &mut s.gated);
                linear(pool, &s.gated, 0, t, &mut [down.residual(&mut s.x[..t * hidden])]);
            }
            Self::Experts { router, experts, shared, shape } => {
                let Some(e) = &mut s.experts else { return };
                if let (Some(Gated { gate, up, down }), Some(inner)) = (shared, &mut e.shared) {
                    gated(pool, activation, gate.gate(), up.gate(), &s.normed, t, inner);
                    linear(pool, inner, 0, t, &mut [down.residual(&mut s.x[..t * hidden])]);
                }
                e.choose(pool, router, *shape, &s.normed, t);
                // Expert by expert, so that each one's weights are read once; a token's sum is in the order of the experts whoever is with it.
                for (i, Gated { gate, up, down }) in experts.iter().enumerate() {
                    let took =
                        |(at, chosen): (usize, &(usize, f32))| (chosen.0 == i).then_some((at / shape.used, chosen.1));
                    e.tokens.clear();
                    e.tokens.extend(e.chosen.iter().enumerate().filter_map(took));
                    if e.tokens.is_empty() {
                        continue;
                    }
                    for (row, (token, _)) in e.tokens.iter().enumerate() {
                        e.input.set_row(pool.isa(), row, s.normed.row(*token));
                    }
                    let rows = e.tokens.len();
                    gated(pool, activation, gate.gate(), up.gate(), &e.input, rows, &mut s.gated);
                    linear(pool, &s.gated, 0, rows, &mut [down.part(&mut e.output[..rows * hidden])]);
                    for ((token, weight), y) in e.tokens.iter().zip(e.output.chunks_exact(hidden)) {
                        let x = &mut s.x[token * hidden..][..hidden];
                        x.iter_mut().zip(y).for_each(|(x, y)| *x += weight * y);
                    }
                }
            }
        }
    }
}

impl ExpertStep {
    pub(super) fn new(c: &DecoderConfig, shape: Experts) -> Self {
        Self {
            router: Buffer::zeroed(PASS * shape.count),
            chosen: Vec::with_capacity(PASS * shape.used),
            tokens: Vec::with_capacity(PASS),
            input: Activations::new(PASS, c.hidden),
            output: Buffer::zeroed(PASS * c.hidden),
            shared: (shape.shared > 0).then(|| Activations::new(PASS, shape.shared)),
            leading: (shape.leading > 0).then(|| Activations::new(PASS, shape.leading_ffn)),
        }
    }

    /// Fills `chosen` for the first `t` rows of `x`.
    fn choose(&mut self, pool: &Pool, router: &Projection, shape: Experts, x: &Activations, t: usize) {
        linear(pool, x, 0, t, &mut [router.part(&mut self.router[..t * shape.count])]);
        self.chosen.clear();
        for row in self.router[..t * shape.count].chunks_exact_mut(shape.count) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut total = 0.0;
            for p in row.iter_mut() {
                // NaN would make one expert the best time and again.
                *p = (*p - most).exp().max(0.0);
                total += *p;
            }
            let first = self.chosen.len();
            for _ in 0..shape.used {
                // The greatest that is left; the first of equals.
                let mut best = 0;
                for (i, p) in row.iter().enumerate() {
                    if *p > row[best] {
                        best = i;
                    }
                }
                self.chosen.push((best, row[best]));
                row[best] = f32::NEG_INFINITY;
            }
            if shape.normalised {
                total = self.chosen[first..].iter().map(|(_, p)| p).sum();
            }
            self.chosen[first..].iter_mut().for_each(|(_, p)| *p /= total);
        }
    }
}

impl Gated {
    fn new(arena: &mut Arena, gated: &decoder::Gated) -> Result<Self, EngineError> {
        Ok(Self {
            gate: Projection::new(arena, &gated.gate)?,
            up: Projection::new(arena, &gated.up)?,
            down: Projection::new(arena, &gated.down)?,
        })
    }
}
