-- The next edit: what the last change asks for elsewhere, shown where it would be made. It has a key of its own, which first goes there and then makes
-- it; <Esc> in normal mode (or `:Pilotlight dismiss-edit`) drops it. The cursor is moved by that key alone.

local config = require('pilotlight.config')
local keys = require('pilotlight.keys')

local M = {}

local space = vim.api.nvim_create_namespace('pilotlight.next_edit')
local shown ---@type {client: vim.lsp.Client, bufnr: integer, edit: table, dismiss?: string}? `dismiss` is the key that was mapped for it
---Something was changed since the last offer.
local pending = false
local timer ---@type uv.uv_timer_t?
local cancel ---@type fun()?

---Maps the key that dismisses, which is a person's own the rest of the time.
---@param bufnr integer
---@return string? key nil where the buffer has a mapping of its own: nobody's is taken away
local function map(bufnr)
  local key = config.options.next_edit.dismiss
  if not key or keys.find(key, vim.api.nvim_buf_get_keymap(bufnr, 'n')) then
    return nil
  end
  vim.keymap.set('n', key, M.dismiss, { buffer = bufnr, desc = 'Pilotlight: dismiss the next edit' })
  return key
end

local function hide()
  if shown and vim.api.nvim_buf_is_valid(shown.bufnr) then
    vim.api.nvim_buf_clear_namespace(shown.bufnr, space, 0, -1)
    if shown.dismiss then
      pcall(vim.keymap.del, 'n', shown.dismiss, { buffer = shown.bufnr })
    end
  end
  shown = nil
end

---Whether an edit is on offer, and still for the text as it is. The version counts, which changes with the text alone: `b:changedtick` does with writing too.
---@return boolean
function M.visible()
  return shown ~= nil
    and vim.api.nvim_buf_is_loaded(shown.bufnr)
    and vim.lsp.util.buf_versions[shown.bufnr] == shown.edit.textDocument.version
end

---@param position lsp.Position
---@return integer row, integer col both from 0, the column in bytes
local function place(bufnr, client, position)
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  return position.line, vim.str_byteindex(line, client.offset_encoding, position.character, false)
end

---@param client vim.lsp.Client
---@param edit table
local function show(client, edit)
  local bufnr = vim.uri_to_bufnr(edit.textDocument.uri)
  -- Version-checked: an edit for another text is none.
  if not vim.api.nvim_buf_is_loaded(bufnr) or vim.lsp.util.buf_versions[bufnr] ~= edit.textDocument.version then
    return
  end
  hide()
  pending = false
  shown = { client = client, bufnr = bufnr, edit = edit, dismiss = map(bufnr) }
  local row, col = place(bufnr, client, edit.range.start)
  local end_row, end_col = place(bufnr, client, edit.range['end'])
  local lines = vim.split(edit.text, '\n', { plain = true })
  local virtual = {}
  for index = 2, #lines do
    virtual[#virtual + 1] = { { lines[index], 'DiffAdd' } }
  end
  vim.api.nvim_buf_set_extmark(bufnr, space, row, col, { end_row = end_row, end_col = end_col, hl_group = 'DiffDelete' })
  vim.api.nvim_buf_set_extmark(bufnr, space, end_row, end_col, {
    virt_text = { { lines[1], 'DiffAdd' } },
    virt_text_pos = 'inline',
    virt_lines = #virtual > 0 and virtual or nil,
  })
end

---Asks for the next edit now.
function M.ask()
  local bufnr = vim.api.nvim_get_current_buf()
  local client = require('pilotlight.client').get(bufnr)
  if not client or config.off(bufnr) then
    return
  end
  if cancel then
    cancel()
  end
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local version = vim.lsp.util.buf_versions[bufnr]
  local line = vim.api.nvim_get_current_line()
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(bufnr), version = version },
    position = { line = row - 1, character = vim.str_utfindex(line, client.offset_encoding, math.min(col, #line), false) },
  }
  local sent, id = client:request('pilotlight/nextEdit', params, function(err, result)
    cancel = nil
    local edit = not err and type(result) == 'table' and (result.edits or {})[1]
    if edit then
      show(client, edit)
    end
  end, bufnr)
  cancel = sent and function()
    cancel = nil
    if client.requests[id] and not client:is_stopped() then
      client:cancel_request(id)
    end
  end or nil
end

local function soon()
  if not config.options.next_edit.auto then
    return
  end
  timer = timer or assert(vim.uv.new_timer())
  timer:start(config.options.next_edit.debounce_ms, 0, vim.schedule_wrap(M.ask))
end

---Something has changed: what was on offer is not any more, and after a rest the server is asked again.
local function changed()
  hide()
  pending = true
  soon()
end

---The cursor was moved: what was not offered where it was being typed may be offered once the cursor has left.
local function moved()
  if pending and not M.visible() then
    soon()
  end
end

---The buffer has no server any more: what it offered there goes.
---@param bufnr integer
function M.detach(bufnr)
  if shown and shown.bufnr == bufnr then
    hide()
  end
end

---@param command string the server's
local function tell(command, then_)
  local client, edit, bufnr = shown.client, shown.edit, shown.bufnr
  local params = { command = command, arguments = edit.command and edit.command.arguments or {} }
  client:request('workspace/executeCommand', params, function()
    if then_ then
      then_()
    end
  end, bufnr)
end

---Goes to the edit, or makes it where the cursor is on its line already, and asks for the one after it.
---@return boolean done
function M.accept()
  if not M.visible() then
    return false
  end
  local row, col = place(shown.bufnr, shown.client, shown.edit.range.start)
  if vim.api.nvim_get_current_buf() ~= shown.bufnr or vim.api.nvim_win_get_cursor(0)[1] ~= row + 1 then
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_buf(0, shown.bufnr)
    vim.api.nvim_win_set_cursor(0, { row + 1, col })
    return true
  end
  local edit = { range = shown.edit.range, newText = shown.edit.text }
  tell('pilotlight.takeEdit', M.ask)
  local bufnr, encoding = shown.bufnr, shown.client.offset_encoding
  hide()
  vim.lsp.util.apply_text_edits({ edit }, bufnr, encoding)
  return true
end

---Drops the edit; the server does not offer it again.
---@return boolean
function M.dismiss()
  if not M.visible() then
    hide()
    return false
  end
  tell('pilotlight.dismissEdit')
  hide()
  pending = false
  return true
end

---Follows changes.
---@param group integer
function M.setup(group)
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    desc = 'Pilotlight: the next edit',
    callback = changed,
  })
  vim.api.nvim_create_autocmd('BufReadPost', {
    group = group,
    desc = 'Pilotlight: a text that is read anew may be another under the same version',
    callback = function(event)
      if shown and shown.bufnr == event.buf then
        hide()
      end
    end,
  })
  vim.api.nvim_create_autocmd({ 'CursorMoved', 'CursorMovedI', 'BufEnter' }, {
    group = group,
    desc = 'Pilotlight: the next edit where the cursor comes to rest',
    callback = moved,
  })
end

return M
