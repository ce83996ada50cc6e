-- Changes of a buffer that Neovim does not tell the server of any more.
--
-- vim.lsp follows a buffer from its first client on. At the first change that no client hears it stops, and it does not begin again when a client comes
-- (0.11.4, 0.12.4): the next server would have the text of that moment for ever. So that change is looked for here, and from then on this does what
-- vim.lsp did.

local client = require('pilotlight.client')

local M = {}

local followed = {} ---@type table<integer, true>
---Buffers that vim.lsp follows no more.
local left = {} ---@type table<integer, true>

---@param bufnr integer
---@return vim.lsp.Client? client that was attached
local function detach(bufnr)
  local server = client.get(bufnr)
  if server then
    vim.lsp.buf_detach_client(bufnr, server.id)
  end
  return server
end

---@param bufnr integer
local function reattach(bufnr)
  local server = detach(bufnr)
  if server then
    vim.lsp.buf_attach_client(bufnr, server.id)
  end
end

---@param bufnr integer
function M.attach(_, bufnr)
  if followed[bufnr] then
    return
  end
  followed[bufnr] = true
  vim.api.nvim_buf_attach(bufnr, false, {
    on_lines = function(_, _, tick, first, last, new_last)
      if #vim.lsp.get_clients({ bufnr = bufnr, _uninitialized = true }) == 0 then
        left[bufnr] = true
      elseif left[bufnr] then
        local known, tracking = pcall(require, 'vim.lsp._changetracking')
        if known and tracking.send_changes then
          vim.lsp.util.buf_versions[bufnr] = tick
          tracking.send_changes(bufnr, first, last, new_last)
        else -- A Neovim that does this elsewhere: the whole text, then.
          vim.schedule(function()
            reattach(bufnr)
          end)
        end
      end
    end,
    on_reload = function()
      if left[bufnr] then
        reattach(bufnr)
      end
    end,
    on_detach = function()
      followed[bufnr] = nil
      if left[bufnr] then
        detach(bufnr)
      end
    end,
  })
end

return M
