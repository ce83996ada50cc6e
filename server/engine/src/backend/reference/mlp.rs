//! The MLP of a block: gated, plain, or a few of many experts.

use candle_core::{Device, Result, Tensor};

use super::{Loaded, Projection, softmax};
use crate::{
    config::{Activation, Experts},
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

impl Mlp {
    pub(super) fn new(mlp: &decoder::Mlp) -> Loaded<Self> {
        Ok(match mlp {
            decoder::Mlp::Gated(gated) => Self::Gated(Gated::new(gated)?),
            decoder::Mlp::Plain { up, down } => Self::Plain { up: Projection::new(up)?, down: Projection::new(down)? },
            decoder::Mlp::Experts { router, experts, shared, shape } => Self::Experts {
                router: Projection::new(router)?,
                experts: experts.iter().map(Gated::new).collect::<Loaded<_>>()?,
                shared: shared.as_ref().map(Gated::new).transpose()?,
                shape: *shape,
            },
        })
    }

    /// `h`: `[t, hidden]` to the same.
    pub(super) fn forward(&self, h: &Tensor, activation: Activation) -> Result<Tensor> {
        match self {
            Self::Gated(gated) => gated.forward(h, activation),
            Self::Plain { up, down } => down.forward(&act(&up.forward(h)?, activation)?),
            Self::Experts { router, experts, shared, shape } => {
                let weights: Vec<Vec<f32>> = softmax(&router.forward(h)?)?.to_vec2()?; // [t, experts]
                let chosen: Vec<Vec<(usize, f32)>> = weights.iter().map(|row| choose(row, *shape)).collect();
                let mut out = match shared {
                    Some(shared) => shared.forward(h, activation)?,
                    None => Tensor::zeros_like(h)?,
                };
                for (i, expert) in experts.iter().enumerate() {
                    // The tokens that chose it, and how much of it they take.
                    let took = |(token, chosen): (usize, &Vec<(usize, f32)>)| {
                        chosen.iter().find(|(expert, _)| *expert == i).map(|(_, weight)| (token as u32, *weight))
                    };
                    let (tokens, weights): (Vec<u32>, Vec<f32>) = chosen.iter().enumerate().filter_map(took).unzip();
                    if tokens.is_empty() {
                        continue;
                    }
                    let weights = Tensor::from_vec(weights, (tokens.len(), 1), &Device::Cpu)?;
                    let tokens = Tensor::new(tokens, &Device::Cpu)?;
                    let y = expert.forward(&h.index_select(&tokens, 0)?, activation)?.broadcast_mul(&weights)?;
                    out = out.index_add(&tokens, &y, 0)?;
                }
                Ok(out)
            }
        }
    }
}

/// The experts that a router's probabilities choose for a token, and their weights.
fn choose(probabilities: &[f32], shape: Experts) -> Vec<(usize, f32)> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    order.truncate(shape.used);
    let sum = if shape.normalised { order.iter().map(|&i| probabilities[i]).sum() } else { 1.0 };
    order.into_iter().map(|i| (i, probabilities[i] / sum)).collect()
}

impl Gated {
    fn new(gated: &decoder::Gated) -> Loaded<Self> {
        Ok(Self {
            gate: Projection::new(&gated.gate)?,
            up: Projection::new(&gated.up)?,
            down: Projection::new(&gated.down)?,
        })
    }

    /// `h`: `[t, hidden]` to the same.
    fn forward(&self, h: &Tensor, activation: Activation) -> Result<Tensor> {
        self.down.forward(&(act(&self.gate.forward(h)?, activation)? * self.up.forward(h)?)?)
    }
}

fn act(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Silu => x.silu(),
        // candle's `gelu` is the tanh formula.
        Activation::GeluTanh => x.gelu(),
    }
}
