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
  vim.cmd.split({ mods = { split = 'botright' }, range = { math.min(#lines + 1, 15) } })
  vim.api.nvim_win_set_buf(0, bufnr)
  vim.api.nvim_win_set_cursor(0, { #lines, 0 })
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, desc = 'Close' })
end

local function status()
  vim.notify('pilotlight: ' .. require('pilotlight.status').line(vim.api.nvim_get_current_buf()))
end

---What is known about the last request: ours, and what the server logged since.
local function why()
  local pilotlight, client = require('pilotlight'), require('pilotlight.client')
  local bufnr = vim.api.nvim_get_current_buf()
  local last = pilotlight.ghost().last
  local lines = {}
  local off = require('pilotlight.config').off(bufnr)
  if off then
    lines[#lines + 1] = 'This buffer gets no suggestions: ' .. off
  elseif not client.get(bufnr) then
    lines[#lines + 1] = 'This buffer is not attached to a server: ' .. require('pilotlight.status').current.message
  end
  if last.place then
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(last.place.bufnr), ':~:.')
    lines[#lines + 1] = ('Last asked at %s:%d:%d'):format(name, last.place.row + 1, last.place.col + 1)
    local millis = last.millis and (' after %.1f ms'):format(last.millis) or ''
    lines[#lines + 1] = (last.outcome or 'no answer yet') .. millis
  else
    lines[#lines + 1] = 'Nothing has been asked yet: type in insert mode'
  end
  lines[#lines + 1] = ''
  lines[#lines + 1] = 'The last the server logged:'
  vim.list_extend(lines, vim.list_slice(client.log, #client.log - 7))
  window('why', lines)
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
