-- Ghost text of our own: asks while the person types, draws the answer as virtual text, takes it whole or in parts.
--
-- Why this is the default on Neovim 0.12 too, where `vim.lsp.inline_completion` exists (native.lua uses it, by `ghost.native = true`). Read in its
-- source and seen in 0.12.4 with the tests beside this plugin (tests/editors/neovim):
--   * it always waits 200 ms after the last key: from key to screen p50 206 ms, against 10 ms here (40 keys, a server that answers at once);
--   * an answer that comes late, or says that there is nothing, leaves the old ghost text on the screen;
--   * text typed since the request is neither checked nor removed on accept, so it is duplicated (neovim#36529);
--   * after a word or a line is taken the rest is gone until the next answer;
--   * it is switched by buffer for all servers at once, not for one.
-- The renderer for 0.11 has to do all this in any case, so both versions get it.

local client = require('pilotlight.client')
local config = require('pilotlight.config')
local suggestion = require('pilotlight.suggestion')

local M = {}

local namespace = vim.api.nvim_create_namespace('pilotlight')
local group = vim.api.nvim_create_augroup('pilotlight.ghost', {})
local timer = assert(vim.uv.new_timer())
local MARK = 1
local INVOKED, AUTOMATIC = 1, 2

-- There is one cursor, so there is one suggestion, whatever the number of buffers.
local items = {} ---@type pilotlight.Suggestion[] the last answer
local index = 1 ---the candidate that is shown
local cycled = false ---whether to show which of how many
local drawn_in ---@type integer? the buffer that carries the extmark
local seen ---@type string? the state of buffer and cursor that was last acted on
local announced ---@type table? the item that didShowCompletion was sent for
local cancel_request ---@type fun()? of the request on its way

---The last request and what came of it, for `:Pilotlight why`.
M.last = {} ---@type {place?: pilotlight.Place, asked?: integer, millis?: number, outcome?: string}

local function erase()
  if drawn_in and vim.api.nvim_buf_is_valid(drawn_in) then
    vim.api.nvim_buf_del_extmark(drawn_in, namespace, MARK)
  end
  drawn_in = nil
end

local function cancel()
  timer:stop()
  if cancel_request then
    cancel_request()
    cancel_request = nil
  end
end

local function clear()
  cancel()
  erase()
  items, index, cycled = {}, 1, false
end

---The candidate that fits the text before the cursor, and what is left of it. Candidates that no longer fit are passed over.
---@return pilotlight.Suggestion?
---@return string? rest
local function current()
  for step = 0, #items - 1 do
    local at = (index - 1 + step) % #items + 1
    local rest = suggestion.rest(items[at])
    if rest then
      index = at
      return items[at], rest
    end
  end
end

---Neovim widens a tab in virtual text as if the text began at the left edge: spells it out for screen column `column`.
---@param text string
---@param column integer 0-based
local function spell_tabs(text, column)
  local tabstop = vim.bo.tabstop
  local out = ''
  for run, tab in text:gmatch('([^\t]*)(\t?)') do
    out = out .. run
    if tab ~= '' then
      local at = column + vim.fn.strdisplaywidth(out)
      out = out .. (' '):rep(tabstop - at % tabstop)
    end
  end
  return out
end

---@param s pilotlight.Suggestion
---@param rest string
local function draw(s, rest)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(rest, '\n', { plain = true })
  local column = vim.fn.strdisplaywidth(vim.api.nvim_get_current_line():sub(1, col))
  local behind = s.tail:sub(#s.replaced + 1)
  local position = 'inline'
  if #lines == 1 and vim.endswith(rest, s.replaced) then
    -- `(|)` completed to `(x)`: only the x is new, and the bracket on the screen is the one that is kept.
    lines[1] = rest:sub(1, #rest - #s.replaced)
  elseif s.tail ~= '' then
    -- What is right of the cursor moves or goes: it is covered, and drawn where it will be.
    position = 'overlay'
  end

  local chunks = {} ---@type [string, string][][]
  for i, line in ipairs(lines) do
    chunks[i] = { { spell_tabs(line, i == 1 and column or 0), 'PilotlightGhost' } }
  end
  if position == 'overlay' then
    table.insert(chunks[#chunks], { spell_tabs(behind, 0), 'Normal' })
    local width = vim.fn.strdisplaywidth(s.tail, column)
    for _, chunk in ipairs(chunks[1]) do
      width = width - vim.fn.strdisplaywidth(chunk[1])
    end
    table.insert(chunks[1], { (' '):rep(width), 'Normal' })
  end
  if cycled and #items > 1 then
    table.insert(chunks[#chunks], { (' (%d/%d)'):format(index, #items), 'PilotlightHint' })
  end

  if drawn_in and drawn_in ~= s.bufnr then
    erase()
  end
  -- One mark with a fixed id: it is moved and changed in place, so no redraw falls between an old text and a new one.
  vim.api.nvim_buf_set_extmark(s.bufnr, namespace, row - 1, col, {
    id = MARK,
    virt_text = chunks[1],
    virt_text_pos = position,
    virt_lines = vim.list_slice(chunks, 2),
    hl_mode = 'combine',
    undo_restore = false,
  })
  drawn_in = s.bufnr
  if announced ~= s.item then
    announced = s.item
    local server = client.get(s.bufnr)
    if server then
      client.shown(server, s.item)
    end
  end
end

---Draws what fits now, or nothing.
local function redraw()
  local s, rest = current()
  if s and rest then
    draw(s, rest)
  else
    erase()
    items, index, cycled = {}, 1, false
  end
end

local function inserting()
  return vim.startswith(vim.api.nvim_get_mode().mode, 'i')
end

---@param trigger 1|2
local function ask(trigger)
  local place = suggestion.place()
  local server = client.get(place.bufnr)
  if not server or not inserting() or not server:supports_method('textDocument/inlineCompletion', place.bufnr) then
    return
  end
  cancel()
  local answered = false
  local last = { place = place, asked = vim.uv.hrtime() }
  M.last = last
  local stop = client.ask(server, place, trigger, function(err, answer)
    last.millis = (vim.uv.hrtime() - last.asked) / 1e6
    if answered or M.last ~= last or last.outcome then
      return -- A newer request is on its way, or this one was cancelled: its answer is for another text.
    end
    answered = true
    cancel_request = nil
    if err then
      last.outcome = ('the server answered with an error: %s (%s)'):format(err.message, err.code)
    else
      last.outcome = ('%d suggestion(s)'):format(#answer)
    end
    local read = vim.iter(answer):map(function(item)
      return suggestion.read(item, place, server.offset_encoding)
    end)
    items, index, cycled = read:totable(), 1, false
    if inserting() then
      redraw()
    else
      clear()
    end
  end)
  if not answered then
    cancel_request = function()
      last.outcome = 'cancelled: the text or the cursor changed'
      stop()
    end
  end
end

---The text or the cursor changed.
local function on_change()
  -- CursorMovedI and TextChangedI both tell of one key.
  local now = ('%d:%d:%s'):format(
    vim.api.nvim_get_current_buf(),
    vim.b.changedtick,
    table.concat(vim.api.nvim_win_get_cursor(0), ':')
  )
  if now == seen then
    return
  end
  seen = now
  cancel()
  redraw()
  if config.options.ghost.auto then
    timer:start(config.options.ghost.debounce_ms, 0, vim.schedule_wrap(function()
      ask(AUTOMATIC)
    end))
  end
end

---A character is about to be inserted. If it is what the ghost text says, it leaves the ghost text at once: Neovim may redraw before it
---tells of the change (it does where there is syntax highlighting), and the character would be there twice.
local function on_character()
  local s, rest = current()
  if not s or not rest then
    return
  end
  local character = vim.v.char
  if #rest > #character and vim.startswith(rest, character) then
    draw(s, rest:sub(#character + 1))
  else
    erase()
  end
end

local function on_leave()
  seen = nil
  clear()
end

-- <C-c> leaves insert mode without an InsertLeave, and so does <Insert>, for replace mode. One command in between (<C-o>) leaves it for "niI", and
-- keeps the ghost text.
vim.api.nvim_create_autocmd('ModeChanged', {
  group = group,
  pattern = { 'i*:n', 'i*:R*' },
  desc = 'Pilotlight: drop the ghost text',
  callback = on_leave,
})

---@param server vim.lsp.Client
---@param bufnr integer
function M.attach(server, bufnr)
  local links = { PilotlightGhost = 'ComplHint', PilotlightHint = 'ComplHintMore' }
  for name, target in pairs(links) do
    target = vim.fn.hlexists(target) == 1 and target or 'NonText'
    vim.api.nvim_set_hl(0, name, { default = true, link = target })
  end
  if vim.lsp.inline_completion then
    -- Where a person has it on for other servers: ours would be drawn twice.
    vim.lsp.inline_completion.enable(false, { client_id = server.id })
  end
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = bufnr,
    desc = 'Pilotlight: keep, drop and ask for ghost text',
    callback = on_change,
  })
  vim.api.nvim_create_autocmd('InsertCharPre', {
    group = group,
    buffer = bufnr,
    desc = 'Pilotlight: type what the ghost text says',
    callback = on_character,
  })
  vim.api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave' }, {
    group = group,
    buffer = bufnr,
    desc = 'Pilotlight: drop the ghost text',
    callback = on_leave,
  })
  -- Attached while the person is typing already.
  if bufnr == vim.api.nvim_get_current_buf() and inserting() then
    on_change()
  end
end

---@param bufnr integer
function M.detach(bufnr)
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  if bufnr == vim.api.nvim_get_current_buf() or bufnr == drawn_in then
    on_leave()
  end
end

---Whether there is ghost text to take.
---@return boolean
function M.visible()
  return inserting() and current() ~= nil
end

---@param unit 'all'|'word'|'line'
---@return boolean taken
function M.accept(unit)
  local s, rest = current()
  if not s or not rest then
    return false
  end
  local piece = suggestion.part(rest, unit)
  local is_last = piece == rest
  local server = client.get(s.bufnr)
  suggestion.insert(s, piece, is_last)
  if is_last then
    clear()
    if server then
      client.accepted(server, s.item, s.bufnr)
    end
  else
    redraw()
    if server then
      client.partially_accepted(server, s.item, suggestion.accepted_length(s, rest:sub(#piece + 1)))
    end
  end
  return true
end

---Shows another candidate.
---@param step integer
---@return boolean
function M.select(step)
  if not current() then
    return false
  end
  local direction = step < 0 and -1 or 1
  for _ = 1, #items do
    index = (index - 1 + direction) % #items + 1
    if suggestion.rest(items[index]) then
      break
    end
  end
  cycled = true
  redraw()
  return true
end

---Drops the ghost text, and what is on its way, until the next key.
---@return boolean
function M.dismiss()
  local s = current()
  local server = s and client.get(s.bufnr)
  clear()
  if s and server then
    client.dismissed(server, s.item, s.bufnr)
  end
  return s ~= nil
end

---Asks now, by the person's wish.
function M.suggest()
  ask(INVOKED)
end

return M
