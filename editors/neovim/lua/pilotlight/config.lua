-- Options: what there is, the defaults, and the check of what a person wrote. `:help pilotlight-options` says the same at more length.

local M = {}

---@class pilotlight.Config
M.defaults = {
  -- The server: the path of the binary, or a whole command as a list. nil: $PILOTLIGHT, then `pilotlight` on PATH.
  cmd = nil, ---@type string|string[]|nil
  -- false: nothing is attached until `:Pilotlight toggle`.
  enabled = true,
  -- By file type; '*' stands for all others. What is off is not sent to the server at all.
  -- `vim.b.pilotlight_enabled` (true or false) decides for one buffer against this table.
  filetypes = { ['*'] = true, gitrebase = false, help = false }, ---@type table<string, boolean>
  -- A workspace is the nearest folder above the file with one of these.
  root_markers = { '.pilotlight.toml', '.git', 'Cargo.toml', 'pyproject.toml', 'package.json', 'go.mod' }, ---@type string[]
  -- Handed to the server untouched as its settings (LSP's initializationOptions).
  init_options = {}, ---@type table<string, any>
  ghost = {
    -- Ask by yourself while typing; false: only by the `suggest` key.
    auto = true,
    -- How long the keys must rest before the server is asked. It drops superseded requests itself, so this may be short.
    debounce_ms = 5,
    -- Draw by Neovim 0.12's vim.lsp.inline_completion instead. Slower and rougher: native.lua says how.
    native = false,
  },
  -- Insert-mode keys; false leaves a key out, `keys = false` all. Each does what it did before when there is no ghost text.
  keys = {
    accept = '<Tab>',
    accept_word = '<M-w>',
    accept_line = '<M-l>',
    next = '<M-n>',
    previous = '<M-p>',
    dismiss = '<C-]>',
    suggest = '<M-\\>',
  }, ---@type table<string, string|false>|false
  -- What the last change asks for elsewhere.
  next_edit = {
    -- Ask by yourself after changes; false: only by `:Pilotlight next-edit`.
    auto = true,
    -- How long the keys must rest before the server is asked.
    debounce_ms = 300,
    -- The key, in normal and insert mode, that goes to the edit and then makes it; false maps none.
    accept = '<M-CR>',
    -- The key, in normal mode and only while an edit is shown, that drops it; false maps none.
    dismiss = '<Esc>',
  },
  -- The sign before the statusline component's text, by state.
  signs = { ready = '●', busy = '◐', off = '○', warning = '▲', error = '✗' }, ---@type table<string, string>
}

---@type pilotlight.Config
M.options = vim.deepcopy(M.defaults)
---Whether `setup()` has run.
M.ready = false

local function list_of_strings(value)
  return vim.islist(value) and #value > 0 and vim.iter(value):all(function(v)
    return type(v) == 'string' and v ~= ''
  end)
end

---@param types string[]
local function map_of(types)
  return function(value)
    return type(value) == 'table' and vim.iter(value):all(function(k, v)
      return type(k) == 'string' and vim.list_contains(types, type(v))
    end)
  end
end

---What is accepted for each option: a predicate, and its name in words.
local checks = {
  ['cmd'] = {
    function(v)
      return (type(v) == 'string' and v ~= '') or (type(v) == 'table' and list_of_strings(v))
    end,
    "the binary's path, or a command as a list of strings",
  },
  ['filetypes'] = { map_of({ 'boolean' }), 'a table of file type = true or false' },
  ['root_markers'] = { list_of_strings, 'a list of file names' },
  ['init_options'] = { map_of({ 'string', 'number', 'boolean', 'table' }), 'a table of settings by name' },
  ['ghost.debounce_ms'] = {
    function(v)
      return type(v) == 'number' and v >= 0 and v <= 5000
    end,
    'milliseconds, 0 to 5000',
  },
  ['next_edit.debounce_ms'] = {
    function(v)
      return type(v) == 'number' and v >= 0 and v <= 5000
    end,
    'milliseconds, 0 to 5000',
  },
  ['keys'] = {
    function(v)
      return v == false or type(v) == 'table'
    end,
    'a table of action = key, or false',
  },
}
---Tables whose keys a person chooses.
local open = { filetypes = true, init_options = true, root_markers = true, cmd = true }

---@param path string
---@param value any
---@param default any
local function check(path, value, default)
  local rule = checks[path]
  if rule then
    vim.validate(path, value, rule[1], rule[2])
  elseif vim.startswith(path, 'keys.') or path == 'next_edit.accept' or path == 'next_edit.dismiss' then
    vim.validate(path, value, function(v)
      return v == false or (type(v) == 'string' and v ~= '')
    end, 'a key, or false')
  else
    vim.validate(path, value, type(default))
  end
  if type(value) ~= 'table' or type(default) ~= 'table' or open[path] then
    return
  end
  for name, inner in pairs(value) do
    local full = path .. '.' .. tostring(name)
    if default[name] == nil then
      local known = vim.tbl_keys(default)
      table.sort(known)
      error(('%s: no such option; %s has %s'):format(full, path, table.concat(known, ', ')), 0)
    end
    check(full, inner, default[name])
  end
end

---Checks and takes over what the person wrote. An option that is wrong raises an error that says what was expected and found.
---@param given? table
function M.setup(given)
  local known = vim.tbl_keys(M.defaults)
  known[#known + 1] = 'cmd'
  local ok, err = pcall(function()
    vim.validate('the argument', given, 'table', true)
    for name, value in pairs(given or {}) do
      if not vim.list_contains(known, name) then
        table.sort(known)
        error(('%s: no such option; there are %s'):format(name, table.concat(known, ', ')), 0)
      end
      check(name, value, M.defaults[name])
    end
  end)
  if not ok then
    error('pilotlight setup: ' .. tostring(err):gsub('^[^ ]+%.lua:%d+: ', ''), 0)
  end
  M.options = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), given or {})
  if vim.g.pilotlight_enabled == nil or (given or {}).enabled ~= nil then
    vim.g.pilotlight_enabled = M.options.enabled
  end
  M.ready = true
end

---Why nothing is suggested in a buffer by choice of the person; nil when it is on. What is off is not attached.
---@param bufnr integer
---@return string?
function M.off(bufnr)
  local filetype = vim.bo[bufnr].filetype
  if vim.g.pilotlight_enabled == false then
    return 'off everywhere (:Pilotlight toggle)'
  elseif vim.b[bufnr].pilotlight_enabled == false then
    return 'off in this buffer (:Pilotlight toggle buffer)'
  elseif vim.bo[bufnr].buftype ~= '' then
    return ('not a file (buftype=%s)'):format(vim.bo[bufnr].buftype)
  elseif vim.api.nvim_buf_get_name(bufnr) == '' then
    return 'the buffer has no file name'
  elseif filetype == '' then
    return 'the buffer has no file type'
  elseif vim.b[bufnr].pilotlight_enabled ~= true and not vim.F.if_nil(M.options.filetypes[filetype], M.options.filetypes['*'], true) then
    return ('off for file type %s (:Pilotlight toggle filetype)'):format(filetype)
  end
end

return M
