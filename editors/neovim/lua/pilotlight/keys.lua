-- Keys that take nothing away: without ghost text, or a next edit, each does what it did before.

local config = require('pilotlight.config')

local M = {}

---@param action string one of `keys`, or next_edit
function M.plug(action)
  return ('<Plug>(pilotlight-%s)'):format((action:gsub('_', '-')))
end

---Whether the key is for us now. For the accept key, which others want too, an open popup menu and the next field of a snippet come first.
---@param action string
local function ours(action)
  if action == 'suggest' then
    return true
  elseif action == 'next_edit' then
    return require('pilotlight.next_edit').visible()
  elseif action == 'accept' and (vim.fn.pumvisible() == 1 or vim.snippet.active({ direction = 1 })) then
    return false
  end
  return require('pilotlight').visible()
end

---@param lhs string
---@param mappings table<string, any>[]
---@return table<string, any>? mapping the one of this key
function M.find(lhs, mappings)
  local raw = vim.keycode(lhs)
  return vim.iter(mappings):find(function(mapping)
    return mapping.lhsraw == raw or mapping.lhsrawalt == raw or mapping.lhs == lhs
  end)
end

---Signs of a mode in `maplist()`: `!` is insert and command-line mode, a blank normal, visual and operator-pending.
local MODES = { i = '[i!]', n = '[n ]' }

---The mapping of a key that is not a buffer's own.
---@param mode 'i'|'n'
---@param lhs string
---@return table<string, any>? mapping as `maparg()` gives it
function M.global(mode, lhs)
  local mappings = vim.tbl_filter(function(mapping)
    return mapping.buffer == 0 and mapping.mode:find(MODES[mode]) ~= nil
  end, vim.fn.maplist())
  return M.find(lhs, mappings)
end

---Whether a mapping is one of those that `M.map` makes.
---@param mapping table<string, any>
function M.is_ours(mapping)
  return vim.startswith(mapping.desc or '', 'Pilotlight: ')
end

---Keeps a mapping under another name.
---@param mapping table<string, any>
---@param name string
local function keep(mapping, name)
  mapping.lhs, mapping.lhsraw, mapping.lhsrawalt = name, vim.keycode(name), nil
  vim.fn.mapset(mapping)
end

---A key that is mapped.
---@class pilotlight.Mapped
---@field mode 'i'|'n'
---@field lhs string
---@field actions string[] what it does for us: the first that it is for
---@field before table<string, any>? what it was mapped to

local mapped = {} ---@type table<string, pilotlight.Mapped> by mode and key

---Mappings that were made so far. Each has fallbacks of its own: what is mapped over ours may fall back to it, and be wrapped in its turn by a later `setup()`.
local count = 0

---Maps a key. What it was mapped to is kept under a <Plug> of its own and runs when the key is not for us. An Alt key that was mapped to nothing then does
---nothing (Neovim would leave insert mode and run the letter as a command).
---@param entry pilotlight.Mapped
local function map(entry)
  local mode, lhs = entry.mode, entry.lhs
  local desc = 'Pilotlight: ' .. entry.actions[1]:gsub('_', ' ')
  local before = M.global(mode, lhs)
  if before and M.is_ours(before) then
    before.desc = desc
    vim.fn.mapset(before)
    return
  end
  count = count + 1
  local itself = ('<Plug>(pilotlight-itself-%d)'):format(count)
  vim.keymap.set(mode, itself, lhs:match('^<[MA]%-') and '<Ignore>' or lhs, { desc = 'Pilotlight: the key itself' })
  entry.before = vim.deepcopy(before)
  local fallback, ended = itself, nil
  local inside = false
  if before then
    fallback = ('<Plug>(pilotlight-without-%d)'):format(count)
    if before.noremap == 0 and (before.expr == 1 or vim.startswith(vim.keycode(before.rhs or ''), vim.keycode(lhs))) then
      -- Neovim does not map a key anew with which its own mapping's text begins. Under its new name the mapping has lost that: the key it ends in is ours, and
      -- we would send it round for ever. So inside of it the key is itself; a last key that types nothing tells of its end.
      ended = ('<Plug>(pilotlight-ended-%d)'):format(count)
      vim.keymap.set({ '', '!' }, ended, function()
        inside = false
        return ''
      end, { expr = true, desc = 'Pilotlight: the end of what a key did before' })
    end
    keep(before, fallback)
  end
  vim.keymap.set(mode, lhs, function()
    local action = vim.iter(entry.actions):find(ours)
    if action then
      return M.plug(action)
    elseif not ended then
      return fallback
    end
    inside = not inside
    return inside and fallback .. ended or itself
  end, { expr = true, remap = true, desc = desc })
end

---Gives a key back that an earlier `setup()` mapped. What somebody mapped over it stays, and falls back to what was there before.
---@param entry pilotlight.Mapped
local function give_back(entry)
  local now = M.global(entry.mode, entry.lhs)
  if now and M.is_ours(now) then
    vim.keymap.del(entry.mode, entry.lhs)
    if entry.before then
      vim.fn.mapset(entry.before)
    end
  end
end

---Maps the configured keys, and no others.
function M.map()
  local wanted = {} ---@type table<string, pilotlight.Mapped>
  local function want(mode, lhs, action)
    local key = mode .. vim.keycode(lhs)
    wanted[key] = wanted[key] or { mode = mode, lhs = lhs, actions = {} }
    table.insert(wanted[key].actions, action)
  end
  for action, lhs in vim.spairs(config.options.keys or {}) do
    if lhs then
      want('i', lhs, action)
    end
  end
  local accept = config.options.next_edit.accept
  if accept then
    want('i', accept, 'next_edit')
    want('n', accept, 'next_edit')
  end
  for key, entry in pairs(mapped) do
    entry.actions = wanted[key] and wanted[key].actions or {}
    if not wanted[key] then
      give_back(entry)
      mapped[key] = nil
    end
  end
  for key, entry in pairs(wanted) do
    mapped[key] = mapped[key] or entry
    map(mapped[key])
  end
end

return M
