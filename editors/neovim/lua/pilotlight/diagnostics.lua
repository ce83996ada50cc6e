--- What other servers report of a buffer, told to ours: prompts near it may show it, and code actions offer to mend it (Neovim hands each
--- server its own diagnostics only). None of them tell each other.
local M = {}

--- Compilers report in bursts.
local PAUSE_MS = 200

local group = vim.api.nvim_create_augroup('pilotlight.diagnostics', { clear = true })
---@type table<integer, uv.uv_timer_t>
local timers = {}

---@param client vim.lsp.Client
---@param bufnr integer
local function tell(client, bufnr)
  if not vim.api.nvim_buf_is_loaded(bufnr) or client:is_stopped() or require('pilotlight.config').off(bufnr) then
    return
  end
  local found = vim.diagnostic.get(bufnr, { severity = { min = vim.diagnostic.severity.WARN } })
  local diagnostics = vim.tbl_map(function(it)
    -- The line is what counts; columns are in bytes here.
    local at = { line = it.lnum, character = 0 }
    return { range = { start = at, ['end'] = at }, severity = it.severity, message = it.message }
  end, found)
  client:notify('pilotlight/didChangeDiagnostics', {
    textDocument = { uri = vim.uri_from_bufnr(bufnr) },
    diagnostics = diagnostics,
  })
end

---@param client vim.lsp.Client
---@param bufnr integer
function M.attach(client, bufnr)
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  timers[bufnr] = timers[bufnr] or assert(vim.uv.new_timer())
  local function soon()
    local timer = timers[bufnr]
    if timer then
      timer:stop()
      timer:start(PAUSE_MS, 0, vim.schedule_wrap(function()
        tell(client, bufnr)
      end))
    end
  end
  vim.api.nvim_create_autocmd('DiagnosticChanged', {
    group = group,
    buffer = bufnr,
    desc = 'Pilotlight: tell what is reported of the buffer',
    callback = soon,
  })
  -- What was reported before, to another server or to none.
  if #vim.diagnostic.get(bufnr) > 0 then
    soon()
  end
end

---@param bufnr integer
function M.detach(bufnr)
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  local timer = timers[bufnr]
  timers[bufnr] = nil
  if timer then
    timer:stop()
    timer:close()
  end
end

return M
