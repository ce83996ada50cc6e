-- Ghost text by Neovim 0.12's own `vim.lsp.inline_completion`, with `ghost.native = true`: for those who want one look and one set of keys for all
-- servers. Only its public functions are used, so its limits stand (ghost.lua lists them): 200 ms of rest before it asks, ghost text that
-- outlives its answer, nothing shown between an accepted word and the next answer, `suggest` without effect. What can be mended from outside is mended
-- on accept: what was typed since the request is checked and not inserted twice, parts can be taken, and the server is told.

local client = require('pilotlight.client')
local suggestion = require('pilotlight.suggestion')

local M = {}

local inline = vim.lsp.inline_completion
local group = vim.api.nvim_create_augroup('pilotlight.native', {})
local pending = {} ---@type table<integer, pilotlight.Place> where the cursor was for each request under way
local answered ---@type pilotlight.Place? and for the last one that was answered

---The last request and what came of it, for `:Pilotlight why`.
M.last = {} ---@type {place?: pilotlight.Place, outcome?: string}

local function on_request(event)
  local id, request = event.data.request_id, event.data.request
  local server = client.get()
  if request.method ~= 'textDocument/inlineCompletion' or not server or event.data.client_id ~= server.id then
    return
  elseif request.type == 'pending' then
    pending[id] = suggestion.place()
  else
    if request.type == 'complete' then
      answered = pending[id]
      M.last = { place = answered, outcome = "answered; Neovim's own renderer has the rest" }
    end
    pending[id] = nil
  end
end

---@param _ vim.lsp.Client
---@param bufnr integer
function M.attach(_, bufnr)
  vim.api.nvim_clear_autocmds({ group = group })
  vim.api.nvim_create_autocmd('LspRequest', {
    group = group,
    desc = 'Pilotlight: remember where each answer belongs',
    callback = on_request,
  })
  -- Neovim's switch is the buffer's: other servers with inline completion come on here too.
  inline.enable(true, { bufnr = bufnr })
end

---Neovim stops asking a server that is detached: nothing to do.
---@param _ integer
function M.detach(_) end

---Whether there is ghost text to take. Neovim keeps no public record of it but its virtual text.
---@return boolean
function M.visible()
  local namespace = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  return namespace ~= nil and #vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { limit = 1 }) > 0
end

---@param unit 'all'|'word'|'line'
---@param native vim.lsp.inline_completion.Item
local function take(unit, native)
  local server = vim.lsp.get_client_by_id(native.client_id)
  if not server or server.name ~= 'pilotlight' or not answered then
    return native -- Another server's: as Neovim does it.
  end
  local item = {
    insertText = native.insert_text,
    range = native.range and native.range:to_lsp(server.offset_encoding),
    command = native.command,
  }
  local s = suggestion.read(item, answered, server.offset_encoding)
  local rest = s and suggestion.rest(s)
  if not s or not rest then
    return nil -- The text has moved on: better nothing than doubled characters.
  end
  local piece = suggestion.part(rest, unit)
  suggestion.insert(s, piece, piece == rest)
  if piece == rest then
    client.accepted(server, item, s.bufnr)
  else
    client.partially_accepted(server, item, suggestion.accepted_length(s, rest:sub(#piece + 1)))
  end
end

---@param unit 'all'|'word'|'line'
---@return boolean taken
function M.accept(unit)
  return inline.get({
    on_accept = function(native)
      return take(unit, native)
    end,
  })
end

---@param step integer
---@return boolean
function M.select(step)
  if not M.visible() then
    return false
  end
  inline.select({ count = step })
  return true
end

---@return boolean
function M.dismiss()
  -- `get` ends the suggestion before it calls back; what is not returned is not inserted.
  return inline.get({ on_accept = function() end })
end

---Neovim has no way to ask at once.
function M.suggest()
  vim.notify('pilotlight: vim.lsp.inline_completion cannot be asked by a key (ghost.native = true)', vim.log.levels.WARN)
end

return M
