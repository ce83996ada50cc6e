--- Where the cursor comes to rest, told to the server: it computes the prompt for there, so that the first keystroke does not wait for it.
local M = {}

--- A cursor that moves on within this is on its way.
local PAUSE_MS = 100

local group = vim.api.nvim_create_augroup('pilotlight.rest', { clear = true })
local timer = assert(vim.uv.new_timer())

---@param client vim.lsp.Client
---@param bufnr integer
local function tell(client, bufnr)
  if bufnr ~= vim.api.nvim_get_current_buf() or client:is_stopped() or require('pilotlight.config').off(bufnr) then
    return
  end
  client:notify('pilotlight/didMoveCursor', vim.lsp.util.make_position_params(0, client.offset_encoding))
end

---@param client vim.lsp.Client
---@param bufnr integer
function M.attach(client, bufnr)
  local soon = function()
    timer:stop()
    timer:start(PAUSE_MS, 0, vim.schedule_wrap(function()
      tell(client, bufnr)
    end))
  end
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  -- Not while typing: each keystroke asks for itself.
  vim.api.nvim_create_autocmd({ 'BufEnter', 'CursorMoved' }, {
    group = group,
    buffer = bufnr,
    desc = 'Pilotlight: tell where the cursor rests',
    callback = soon,
  })
  soon()
end

---@param bufnr integer
function M.detach(bufnr)
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
end

return M
