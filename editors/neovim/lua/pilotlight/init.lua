-- Pilotlight for Neovim: what a person's configuration calls. `:help pilotlight`.
--
--   config.lua      options                      suggestion.lua  one item: is it still true, take it or a part of it
--   client.lua      the server and its messages  ghost.lua       ghost text of our own
--   status.lua      the state, the statusline    native.lua      ghost text by vim.lsp.inline_completion
--   next_edit.lua   what the last change asks for elsewhere
--   keys.lua        insert-mode keys             commands.lua, health.lua   :Pilotlight, :checkhealth pilotlight
--   rest.lua        where the cursor rests     changes.lua     changes that Neovim does not tell of
--   diagnostics.lua what is reported of a buffer

local M = {}

---The renderer in use.
local function ghost()
  local wanted = require('pilotlight.config').options.ghost.native and vim.lsp.inline_completion ~= nil
  return require(wanted and 'pilotlight.native' or 'pilotlight.ghost')
end
M.ghost = ghost

---Checks the options, maps the keys and starts the server for the files that are open and will be.
---@param options? pilotlight.Config
function M.setup(options)
  local config = require('pilotlight.config')
  config.setup(options)
  -- A plugin manager that puts this folder on the runtimepath late does not run plugin/ any more.
  vim.cmd.runtime('plugin/pilotlight.lua')
  if config.options.ghost.native and not vim.lsp.inline_completion then
    vim.notify('pilotlight: ghost.native needs Neovim 0.12; drawing the ghost text itself', vim.log.levels.WARN)
  end
  local client = require('pilotlight.client')
  client.on_attach = function(attached, bufnr)
    require('pilotlight.changes').attach(attached, bufnr)
    ghost().attach(attached, bufnr)
    require('pilotlight.rest').attach(attached, bufnr)
    require('pilotlight.diagnostics').attach(attached, bufnr)
  end
  local group = vim.api.nvim_create_augroup('pilotlight', {})
  vim.api.nvim_create_autocmd('LspDetach', {
    group = group,
    desc = 'Pilotlight: no server, nothing of it on the screen',
    callback = function(event)
      local left = vim.lsp.get_client_by_id(event.data.client_id)
      if left and left.name == 'pilotlight' then
        ghost().detach(event.buf)
        require('pilotlight.rest').detach(event.buf)
        require('pilotlight.diagnostics').detach(event.buf)
        require('pilotlight.next_edit').detach(event.buf)
      end
    end,
  })
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    desc = 'Pilotlight: the server is told of another file type',
    callback = function(event)
      client.retype(event.buf)
    end,
  })
  -- Nothing tells of a variable: it is looked at before each key. Only its change turns a buffer on: a server that was stopped stays so.
  local was_off = {} ---@type table<integer, boolean>
  vim.api.nvim_create_autocmd({ 'SafeState', 'InsertEnter', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    desc = 'Pilotlight: switched off or on by b:pilotlight_enabled or another file type',
    callback = function(event)
      local off = config.off(event.buf) ~= nil
      local turned_on = was_off[event.buf] and not off
      was_off[event.buf] = off
      if turned_on or (off and client.get(event.buf)) then
        client.sync()
      end
    end,
  })
  require('pilotlight.keys').map()
  require('pilotlight.next_edit').setup(group)
  client.start()
end

---Whether there is ghost text to take: for mappings of one's own.
---@return boolean
function M.visible()
  return ghost().visible()
end

---Takes the ghost text, its next word, or its next line.
---@param unit? 'all'|'word'|'line'
---@return boolean taken
function M.accept(unit)
  unit = unit or 'all'
  vim.validate('unit', unit, function(v)
    return vim.list_contains({ 'all', 'word', 'line' }, v)
  end, "'all', 'word' or 'line'")
  return ghost().accept(unit)
end

---Shows the next candidate (1) or the previous one (-1).
---@param step integer
---@return boolean
function M.select(step)
  return ghost().select(step)
end

---Drops the ghost text until the next key.
---@return boolean
function M.dismiss()
  return ghost().dismiss()
end

---Asks for ghost text now.
function M.suggest()
  ghost().suggest()
end

---Turns Pilotlight off or on: everywhere, for a buffer, or for its file type.
---@param scope? 'global'|'buffer'|'filetype'
function M.toggle(scope)
  local config = require('pilotlight.config')
  local bufnr = vim.api.nvim_get_current_buf()
  scope = scope or 'global'
  if scope == 'global' then
    vim.g.pilotlight_enabled = vim.g.pilotlight_enabled == false
  elseif scope == 'buffer' then
    vim.b[bufnr].pilotlight_enabled = config.off(bufnr) ~= nil
  elseif scope == 'filetype' then
    local filetypes, filetype = config.options.filetypes, vim.bo[bufnr].filetype
    filetypes[filetype] = not vim.F.if_nil(filetypes[filetype], filetypes['*'], true)
    vim.b[bufnr].pilotlight_enabled = nil
  else
    error(("pilotlight: toggle: expected 'global', 'buffer' or 'filetype', found %s"):format(vim.inspect(scope)), 0)
  end
  require('pilotlight.client').sync()
  vim.notify('pilotlight: ' .. (config.off(bufnr) or 'on'))
end

---The state: `kind` (Normal, Warning, Error, Inactive), `busy`, `message`, and `off`, why the current buffer gets no suggestions by choice.
---@return {kind: string, busy: boolean, message: string, off: string?}
function M.status()
  local now = vim.deepcopy(require('pilotlight.status').current)
  now.off = require('pilotlight.config').off(vim.api.nvim_get_current_buf())
  return now
end

---A sign and a few words for the statusline: `%{v:lua.require'pilotlight'.statusline()}`.
---@return string
function M.statusline()
  return require('pilotlight.status').component()
end

return M
