-- `:Pilotlight {what}`.

local M = {}

local UNITS = { 'all', 'word', 'line' }
local SCOPES = { 'global', 'buffer', 'filetype' }

---Shows lines in a scratch window at the bottom, closed by `q`.
---@param name string
---@param lines string[]
local function window(name, lines)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.api.nvim_buf_set_name(bufnr, ('pilotlight://%s/%d'):format(name, bufnr))
  local rows = 0
  for _, line in ipairs(lines) do
    rows = rows + math.max(1, math.ceil(vim.fn.strdisplaywidth(line) / vim.o.columns))
  end
  vim.cmd.split({ mods = { split = 'botright' }, range = { math.min(rows, math.max(5, math.floor(vim.o.lines / 2))) } })
  vim.api.nvim_win_set_buf(0, bufnr)
  vim.api.nvim_win_set_cursor(0, { #lines, 0 })
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, desc = 'Close' })
end

local function status()
  vim.notify('pilotlight: ' .. require('pilotlight.status').line(vim.api.nvim_get_current_buf()))
end

---The server's explanation of its last answer as lines: why nothing is shown, what was read, what it cost.
---@param e table the `Explanation` of `pilotlight/explain`
---@return string[]
local function explanation(e)
  local lines = {}
  if type(e.nothing_because) == 'string' then
    lines[#lines + 1] = 'Nothing is shown because ' .. e.nothing_because
  end
  if e.kept == true then
    lines[#lines + 1] = 'Kept: what was typed is what the suggestion said; the model was not asked'
  end
  if type(e.recalled) == 'table' then
    local sure = math.floor(e.recalled.sureness * 100 + 0.5)
    local renamed = e.recalled.renamed == true and ', with the words of this one' or ''
    lines[#lines + 1] = ('Recalled: a line from a place like this one%s, %s:%d (%d %% sure)'):format(renamed, e.recalled.path, e.recalled.line + 1, sure)
  end
  for _, segment in ipairs(type(e.segments) == 'table' and e.segments or {}) do
    lines[#lines + 1] = ('  %6d tokens  %s'):format(segment.tokens, segment.source)
  end
  lines[#lines + 1] = ('Tokens: %s reused, %s prefilled, %s decoded'):format(e.reused, e.prefilled, e.decoded)
  local stages = {}
  for stage, millis in vim.spairs(type(e.millis) == 'table' and e.millis or {}) do
    stages[#stages + 1] = ('%s %.1f'):format(stage, millis)
  end
  lines[#lines + 1] = 'Milliseconds: ' .. table.concat(stages, ', ')
  return lines
end

---What is known about the last request in this buffer: by us, and by the server.
local function why()
  local client = require('pilotlight.client')
  local bufnr = vim.api.nvim_get_current_buf()
  local server = client.get(bufnr)
  local last = require('pilotlight').ghost().last
  local lines = {}
  local off = require('pilotlight.config').off(bufnr)
  if off then
    lines[#lines + 1] = 'This buffer gets no suggestions: ' .. off
  elseif not server then
    lines[#lines + 1] = 'This buffer is not attached to a server: ' .. require('pilotlight.status').current.message
  end
  if last.place then
    local asked = last.place.bufnr
    local name = vim.api.nvim_buf_is_valid(asked) and vim.fn.fnamemodify(vim.api.nvim_buf_get_name(asked), ':~:.') or 'a buffer that is gone'
    local millis = last.millis and (' after %.1f ms'):format(last.millis) or ''
    lines[#lines + 1] = ('Last asked at %s:%d:%d: %s%s'):format(name, last.place.row + 1, last.place.col + 1, last.outcome or 'no answer yet', millis)
  else
    lines[#lines + 1] = 'Nothing has been asked yet: type in insert mode'
  end
  if not server then
    return window('why', lines)
  end
  client.explain(server, bufnr, function(e)
    vim.list_extend(lines, e and explanation(e) or { 'The server has no explanation for this buffer' })
    window('why', lines)
  end)
end

local function log()
  local lines = { 'The server through LSP; its stderr, and all of LSP, are in ' .. vim.lsp.log.get_filename(), '' }
  window('log', vim.list_extend(lines, require('pilotlight.client').log))
end

---@type table<string, {run: fun(argument: string?), arguments?: string[]}>
local COMMANDS = {
  status = { run = status },
  why = { run = why },
  log = { run = log },
  health = {
    run = function()
      vim.cmd.checkhealth('pilotlight')
    end,
  },
  toggle = {
    run = function(scope)
      require('pilotlight').toggle(scope)
    end,
    arguments = SCOPES,
  },
  accept = {
    run = function(unit)
      require('pilotlight').accept(unit)
    end,
    arguments = UNITS,
  },
  next = {
    run = function()
      require('pilotlight').select(1)
    end,
  },
  previous = {
    run = function()
      require('pilotlight').select(-1)
    end,
  },
  dismiss = {
    run = function()
      require('pilotlight').dismiss()
    end,
  },
  suggest = {
    run = function()
      require('pilotlight').suggest()
    end,
  },
  ['next-edit'] = {
    run = function()
      local next_edit = require('pilotlight.next_edit')
      if not next_edit.accept() then
        next_edit.ask()
      end
    end,
  },
  ['dismiss-edit'] = {
    run = function()
      require('pilotlight.next_edit').dismiss()
    end,
  },
  start = {
    run = function()
      require('pilotlight.client').start()
    end,
  },
  stop = {
    run = function()
      require('pilotlight.client').stop()
    end,
  },
  restart = {
    run = function()
      require('pilotlight.client').restart()
    end,
  },
}

local function names()
  local list = vim.tbl_keys(COMMANDS)
  table.sort(list)
  return list
end

local function complain(message)
  vim.notify('pilotlight: ' .. message, vim.log.levels.ERROR)
end

---@param words string[]
function M.run(words)
  local name, argument = words[1] or 'status', words[2]
  local command = COMMANDS[name]
  if not command then
    return complain(('no `:Pilotlight %s`; there are %s'):format(name, table.concat(names(), ', ')))
  elseif not require('pilotlight.config').ready and name ~= 'health' then
    return complain("not set up: call require('pilotlight').setup() first")
  elseif argument and not vim.list_contains(command.arguments or {}, argument) then
    local expected = command.arguments and table.concat(command.arguments, ', ') or 'nothing'
    return complain((':Pilotlight %s takes %s, not %s'):format(name, expected, argument))
  end
  command.run(argument)
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(vim.trim(line:sub(1, #line - #lead)), '%s+')
  local from = #words == 1 and names() or (#words == 2 and COMMANDS[words[2]] or {}).arguments or {}
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, from)
end

return M
