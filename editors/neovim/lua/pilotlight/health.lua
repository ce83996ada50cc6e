-- `:checkhealth pilotlight`: everything that ghost text needs, in the order in which it can fail.

local client = require('pilotlight.client')
local config = require('pilotlight.config')
local keys = require('pilotlight.keys')
local status = require('pilotlight.status')

local M = {}

local health = vim.health

---What nvim-cmp calls its mappings. They are global, are made anew over whatever is there, and fall back to it.
local NVIM_CMP = 'cmp.utils.keymap.set_map'

local function editor()
  health.start('Neovim')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. version)
  else
    health.error('Neovim ' .. version .. ': 0.11 or newer is needed')
  end
  local native = config.options.ghost.native and vim.lsp.inline_completion
  health.info('ghost text is drawn by ' .. (native and 'vim.lsp.inline_completion' or 'Pilotlight itself'))
end

---@return boolean found
local function binary()
  health.start('Server')
  local command, source = client.command()
  if not command then
    health.error('no server binary: ' .. source, {
      'Build it: `cargo install --path server/daemon` in the Pilotlight repository',
      "Or name it: require('pilotlight').setup({ cmd = '/path/to/pilotlight' })",
    })
    return false
  end
  local words = table.concat(command, ' ')
  health.ok(('binary: %s (from %s)'):format(words, source))
  if #command == 2 and command[2] == 'lsp' then
    local ran, process = pcall(vim.system, { command[1], '--version' }, { text = true })
    local result = ran and process:wait(5000) or { code = -1, stderr = tostring(process) }
    if result.code == 0 then
      health.ok('version: ' .. vim.trim(result.stdout))
    else
      health.error(('`%s --version` failed with status %d: %s'):format(command[1], result.code, vim.trim(result.stderr or '')))
    end
  end
  return true
end

local function server()
  local now = status.current
  local said = ('%s%s'):format(now.message ~= '' and now.message or now.kind, now.busy and ' (busy)' or '')
  local running = client.get()
  if not running then
    local report = now.kind == 'Error' and health.error or health.warn
    report('no server is running: ' .. said, { 'Open a file with a file type', ':Pilotlight restart, then :Pilotlight log' })
    return
  end
  health.ok(('running: %s, id %d, positions in %s'):format(client.server_name(running), running.id, running.offset_encoding))
  if running.server_capabilities.inlineCompletionProvider then
    health.ok('it offers inline completion')
  else
    health.error('it offers no inline completion: is this Pilotlight?', { 'Check `cmd` in setup()' })
  end
  local report = ({ Error = health.error, Warning = health.warn })[now.kind] or health.ok
  report('model and state: ' .. said)
  health.info('`pilotlight doctor` in a shell checks the model and the machine')
end

local function buffers()
  health.start('Buffers')
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(bufnr) and vim.bo[bufnr].buftype == '' and vim.api.nvim_buf_get_name(bufnr) ~= '' then
      local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ':~:.')
      local off = config.off(bufnr)
      if off then
        health.info(('%s: %s'):format(name, off))
      elseif client.get(bufnr) then
        health.ok(name .. ': attached')
      else
        health.warn(name .. ': not attached')
      end
    end
  end
end

local function keymaps()
  health.start('Keys')
  local any = false
  for action, lhs in vim.spairs(config.options.keys or {}) do
    if lhs then
      any = true
      local advice = { ('Map another key to %s, or set keys.%s'):format(keys.plug(action), action) }
      local mapping = keys.global('i', lhs) or {}
      if keys.is_ours(mapping) then
        health.ok(('%s: %s'):format(lhs, action))
      elseif mapping.desc == NVIM_CMP then
        health.info(("%s: nvim-cmp's mapping comes first: it must fall back to ours"):format(lhs))
      else
        health.warn(('%s: %s, but it was mapped to something else after setup(): %s'):format(lhs, action, mapping.desc or mapping.rhs or 'nothing'), advice)
      end
      for _, bufnr in ipairs(vim.tbl_keys((client.get() or {}).attached_buffers or {})) do
        local own = keys.find(lhs, vim.api.nvim_buf_get_keymap(bufnr, 'i'))
        if own then
          health.info(('%s: a mapping of buffer %d comes first (%s): it must fall back to the global one'):format(lhs, bufnr, own.desc or 'no description'))
        end
      end
    end
  end
  if not any then
    health.info('no keys of our own: <Plug>(pilotlight-accept) and the rest are there to be mapped')
  end
end

function M.check()
  if not config.ready then
    health.start('Pilotlight')
    health.error('not set up', { "Call require('pilotlight').setup() in your init.lua" })
    return
  end
  editor()
  if binary() then
    server()
  end
  buffers()
  keymaps()
end

return M
