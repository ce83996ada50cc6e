//! GGUF's blocks and plain numbers, repacked into the tiles that `format.cuh` describes. Bytes of a tile: rows of 16, chunks of 64 columns.

use crate::cpu::scale_and_minimum;

/// How weights are multiplied on the device. Others are widened to one of these first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types)]
#[repr(u32)]
pub enum Format {
    BF16 = 0,
    F8E4M3 = 1,
    Q8_0 = 2,
    Q4_K = 3,
    Q6_K = 4,
}

/// Rows of a tile.
pub(super) const TILE: usize = 16;
/// Columns of a chunk.
pub(super) const CHUNK: usize = 64;

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::BF16, Self::F8E4M3, Self::Q8_0, Self::Q4_K, Self::Q6_K];

    /// Columns and bytes of a block as stored in a file.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::BF16 => (1, 2),
            Self::F8E4M3 => (1, 1),
            Self::Q8_0 => (32, 34),
            Self::Q4_K => (256, 144),
            Self::Q6_K => (256, 210),
        }
    }

    /// Bytes of a unit's head and of each of its chunks, and the number of these.
    pub(super) fn unit(self) -> (usize, usize, usize) {
        match self {
            Self::BF16 => (0, 2048, 1),
            Self::F8E4M3 => (0, 1024, 1),
            Self::Q8_0 => (0, 1088, 1),
            Self::Q4_K => (64, 576, 4),
            Self::Q6_K => (32, 832, 4),
        }
    }

    /// Chunks of a row.
    pub(super) fn chunks(self, columns: usize) -> usize {
        columns.div_ceil(CHUNK)
    }

    /// Bytes of a tile.
    pub(super) fn tile_bytes(self, columns: usize) -> usize {
        let (head, chunk, chunks) = self.unit();
        self.chunks(columns) / chunks * (head + chunks * chunk)
    }

    /// Bytes of a matrix on the device.
    pub fn bytes(self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(TILE) * self.tile_bytes(columns)
    }

    /// The kernels' name of it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BF16 => "bf16",
            Self::F8E4M3 => "f8",
            Self::Q8_0 => "q8_0",
            Self::Q4_K => "q4_k",
            Self::Q6_K => "q6_k",
        }
    }
}

/// Where the weight of (`row` of 16, `column` of 64) belongs.
struct Place {
    /// The lane that owns it.
    lane: usize,
    /// Rows past 7.
    upper: usize,
    /// The product it is part of.
    product: usize,
    /// Of the lane's four columns.
    element: usize,
}

fn place(row: usize, column: usize) -> Place {
    Place { lane: 4 * (row % 8) + column % 16 / 4, upper: row / 8, product: column / 16, element: column % 4 }
}

/// Writes one row into its tile of zeros. `source` holds whole blocks.
pub(super) fn pack_row(format: Format, tile: &mut [u8], row: usize, source: &[u8]) {
    let (columns, bytes) = format.block();
    match format {
        // A lane's four columns lie together in the row too.
        Format::BF16 => {
            for (i, four) in source.chunks(8).enumerate() {
                let p = place(row, 4 * i % CHUNK);
                let at = 4 * i / CHUNK * 2048 + 512 * (2 * p.upper + p.product / 2) + 16 * p.lane + 8 * (p.product % 2);
                tile[at..at + four.len()].copy_from_slice(four);
            }
        }
        Format::F8E4M3 => {
            for (i, four) in source.chunks(4).enumerate() {
                put_four(&mut tile[4 * i / CHUNK * 1024..], row, 4 * i % CHUNK, four);
            }
        }
        Format::Q8_0 => {
            for (i, block) in source.chunks_exact(bytes).enumerate() {
                let chunk = &mut tile[columns * i / CHUNK * 1088..];
                for (j, four) in block[2..].chunks(4).enumerate() {
                    put_four(chunk, row, (columns * i + 4 * j) % CHUNK, four);
                }
                chunk[1024 + 8 * (row % 8) + 4 * (i % 2) + 2 * (row / 8)..][..2].copy_from_slice(&block[..2]);
            }
        }
        Format::Q4_K => {
            source
                .chunks_exact(bytes)
                .zip(tile.chunks_exact_mut(2368))
                .for_each(|(block, unit)| pack_q4_k(unit, row, block));
        }
        Format::Q6_K => {
            source
                .chunks_exact(bytes)
                .zip(tile.chunks_exact_mut(3360))
                .for_each(|(block, unit)| pack_q6_k(unit, row, block));
        }
    }
}

/// Bytes of up to four columns from a multiple of four on.
fn put_four(chunk: &mut [u8], row: usize, column: usize, bytes: &[u8]) {
    let p = place(row, column);
    chunk[512 * p.upper + 16 * p.lane + 4 * p.product..][..bytes.len()].copy_from_slice(bytes);
}

/// Into the nibbles of a chunk: its pair at bit 4 p, the second element 16 bits on.
fn put_nibble(nibbles: &mut [u8], row: usize, column: usize, value: u8) {
    let p = place(row, column);
    let bit = 4 * (2 * (p.product % 2) + p.element / 2) + 16 * (p.element % 2);
    nibbles[16 * p.lane + 4 * (2 * p.upper + p.product / 2) + bit / 8] |= (value & 15) << (bit % 8);
}

fn pack_q4_k(unit: &mut [u8], row: usize, block: &[u8]) {
    let (g, upper) = (row % 8, row / 8);
    unit[8 * g + 4 * upper..][..4].copy_from_slice(&block[..4]);
    for b in 0..8 {
        let chunk = &mut unit[64 + 576 * (b / 2)..][..576];
        let (scale, minimum) = scale_and_minimum(&block[4..16], b);
        chunk[8 * g + 4 * upper + 2 * (b % 2)] = scale;
        chunk[8 * g + 4 * upper + 2 * (b % 2) + 1] = minimum;
        for i in 0..32 {
            put_nibble(&mut chunk[64..], row, 32 * (b % 2) + i, block[16 + 32 * (b / 2) + i] >> (4 * (b % 2)));
        }
    }
}

fn pack_q6_k(unit: &mut [u8], row: usize, block: &[u8]) {
    let (g, upper) = (row % 8, row / 8);
    unit[4 * g + 2 * upper..][..2].copy_from_slice(&block[208..210]);
    for column in 0..256 {
        let (half, a, l) = (column / 128, column % 128 / 32, column % 32);
        let low = block[64 * half + 32 * (a % 2) + l] >> (4 * (a / 2));
        let high = block[128 + 32 * half + l] >> (2 * a) & 3;
        let chunk = &mut unit[32 + 832 * (column / CHUNK)..][..832];
        let p = place(row, column % CHUNK);
        chunk[8 * g + 4 * upper + p.product] = block[192 + column / 16];
        put_nibble(&mut chunk[64..], row, column % CHUNK, low);
        let bit = 2 * (2 * p.product + p.element / 2) + 16 * (p.element % 2);
        chunk[576 + 8 * p.lane + 4 * p.upper + bit / 8] |= high << (bit % 8);
    }
}
