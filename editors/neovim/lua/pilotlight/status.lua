-- The state of the server as the person sees it: from its `didChangeStatus` notifications and from what the client knows (no binary, stopped).

local config = require('pilotlight.config')

local M = {}

---@class pilotlight.Status
---@field kind 'Normal'|'Warning'|'Error'|'Inactive'
---@field busy boolean
---@field message string
---@field nothing_because? string why the last answer was empty

---@type pilotlight.Status
M.current = { kind = 'Inactive', busy = false, message = 'not started' }

---Takes over a state, redraws statuslines and fires `User PilotlightStatus`.
---@param status {kind?: string, busy?: boolean, message?: string, nothingBecause?: string}
function M.set(status)
  M.current = {
    kind = status.kind or 'Normal',
    busy = status.busy == true,
    message = type(status.message) == 'string' and status.message or '',
    nothing_because = type(status.nothingBecause) == 'string' and status.nothingBecause or nil,
  }
  vim.schedule(function()
    vim.cmd.redrawstatus({ bang = true })
    vim.api.nvim_exec_autocmds('User', { pattern = 'PilotlightStatus', modeline = false, data = M.current })
  end)
end

---@param bufnr integer
---@return 'ready'|'busy'|'off'|'warning'|'error'
local function state(bufnr)
  local now = M.current
  if now.kind == 'Error' then
    return 'error'
  elseif now.kind == 'Warning' then
    return 'warning'
  elseif now.kind == 'Inactive' or config.off(bufnr) then
    return 'off'
  end
  return now.busy and 'busy' or 'ready'
end

---For the statusline: a sign and a few words, '' before `setup()`. `%` is left out, so it is safe in any statusline.
---@return string
function M.component()
  if not config.ready then
    return ''
  end
  -- In %{…} the current buffer is the one whose statusline is drawn.
  local bufnr = vim.api.nvim_get_current_buf()
  local what = state(bufnr)
  local words = config.off(bufnr) and 'pilotlight off' or M.current.message
  if words == '' then
    words = 'pilotlight'
  end
  return (('%s %s'):format(config.options.signs[what], words):gsub('[%%\n]', ' '))
end

---In words, for `:Pilotlight status`: one line.
---@param bufnr integer
---@return string
function M.line(bufnr)
  local now = M.current
  return ('%s (%s%s); this buffer: %s%s'):format(
    now.message ~= '' and now.message or 'server',
    now.kind:lower(),
    now.busy and ', busy' or '',
    config.off(bufnr) or 'on',
    now.nothing_because and ('; last time nothing: ' .. now.nothing_because) or ''
  )
end

return M
