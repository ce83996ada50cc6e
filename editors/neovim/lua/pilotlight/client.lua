-- The language server: finding the binary, starting, stopping and restarting it, and the messages of the protocol that Neovim does not send by itself.
--
-- One server process for the whole editor: further workspaces join it as workspace folders. A buffer that is off (config.off) is not attached, so
-- nothing of it is sent.

local config = require('pilotlight.config')
local status = require('pilotlight.status')

local M = {}

local NAME = 'pilotlight'
local INLINE = 'textDocument/inlineCompletion'
local LOG_LINES = 500

---What the server logged, newest last.
M.log = {} ---@type string[]
---The server process that was started last; `stopping` when its end is no accident.
local process ---@type {stopping: boolean}?
---Whether Neovim may attach the server by itself.
local enabled = false
---The language that the server has for a buffer.
local told = {} ---@type table<integer, string>
---Run when a buffer is attached; set by init.lua.
M.on_attach = function(_, _) end ---@type fun(client: vim.lsp.Client, bufnr: integer)

---@param yes boolean
local function enable(yes)
  enabled = yes
  vim.lsp.enable(NAME, yes)
end

---A message of one line: a longer one would ask for ENTER in the middle of typing. The whole is in the log.
---@param message string
---@param level integer
local function tell(message, level)
  vim.schedule(function()
    local line = ('pilotlight: ' .. message):gsub('%s+', ' ')
    -- What Neovim itself takes for the width of a message.
    local room = vim.o.columns - 12
    if vim.fn.strdisplaywidth(line) > room then
      line = vim.fn.strcharpart(line, 0, room - 22) .. '… (:Pilotlight log)'
    end
    vim.notify(line, level)
  end)
end

---@param line string
local function remember(line)
  for _, text in ipairs(vim.split(line, '\n', { plain = true })) do
    M.log[#M.log + 1] = os.date('%H:%M:%S ') .. text
  end
  while #M.log > LOG_LINES do
    table.remove(M.log, 1)
  end
end

---The command that starts the server and where it was found, or nil and what was looked for.
---@return string[]? command
---@return string source
function M.command()
  local cmd = config.options.cmd
  if cmd then
    local list = type(cmd) == 'table' and cmd or { vim.fs.normalize(cmd), 'lsp' }
    if vim.fn.executable(list[1]) == 1 then
      return list, 'setup{cmd}'
    end
    return nil, ('setup{cmd} names %s, which is not an executable'):format(list[1])
  end
  local env = vim.env.PILOTLIGHT
  if env and env ~= '' then
    if vim.fn.executable(env) == 1 then
      return { env, 'lsp' }, '$PILOTLIGHT'
    end
    return nil, ('$PILOTLIGHT is %s, which is not an executable'):format(env)
  end
  local path = vim.fn.exepath(NAME)
  if path ~= '' then
    return { path, 'lsp' }, 'PATH'
  end
  return nil, 'no `pilotlight` on PATH, no $PILOTLIGHT, no setup{cmd}'
end

---The running client, initialised and attached to `bufnr` (nil: to any).
---@param bufnr? integer
---@return vim.lsp.Client?
function M.get(bufnr)
  local client = vim.lsp.get_clients({ name = NAME, bufnr = bufnr })[1]
  return client and not client:is_stopped() and client or nil
end

---Joins the running server whatever the workspace, and tells it of a new one.
---@param client vim.lsp.Client
---@param wanted vim.lsp.ClientConfig
---@return boolean
local function reuse(client, wanted)
  if client.name ~= NAME or client:is_stopped() then
    return false
  end
  local root = wanted.root_dir
  local takes_folders = vim.tbl_get(client.server_capabilities or {}, 'workspace', 'workspaceFolders', 'changeNotifications')
  if root and takes_folders then
    local folder = { uri = vim.uri_from_fname(root), name = root }
    local known = vim.iter(client.workspace_folders or {}):any(function(f)
      return f.uri == folder.uri
    end)
    if not known then
      client.workspace_folders = vim.list_extend(client.workspace_folders or {}, { folder })
      client:notify('workspace/didChangeWorkspaceFolders', { event = { added = { folder }, removed = {} } })
    end
  end
  return true
end

---@param this {stopping: boolean}
---@param code integer
---@param signal integer
local function on_exit(this, code, signal)
  if this.stopping or vim.v.exiting ~= vim.NIL then
    return
  end
  local how = signal ~= 0 and ('signal %d'):format(signal) or ('exit status %d'):format(code)
  remember(('the server stopped (%s)'):format(how))
  if code == 0 and signal == 0 then
    -- It was asked to by other means than ours, such as Neovim's own restart.
    status.set({ kind = 'Inactive', message = 'server stopped; :Pilotlight restart' })
    return
  end
  status.set({ kind = 'Error', message = ('server stopped (%s); :Pilotlight restart'):format(how) })
  tell(('server stopped (%s); :Pilotlight restart, log'):format(how), vim.log.levels.ERROR)
  -- Not restarted unasked: a server that dies at once would die again with every file.
  vim.schedule(function()
    enable(false)
  end)
end

---Starts the process as Neovim would, but tells of its end ourselves: Neovim's own message is too long for a line, and a "Press ENTER" in the middle
---of typing is worse than a dead server.
---@param command string[]
---@return fun(dispatchers: vim.lsp.rpc.Dispatchers, wanted: vim.lsp.ClientConfig): vim.lsp.rpc.PublicClient
local function launcher(command)
  return function(dispatchers, wanted)
    local this = { stopping = false }
    process = this
    local ended = dispatchers.on_exit
    dispatchers.on_exit = function(code, signal)
      vim.schedule(function()
        on_exit(this, code, signal)
      end)
      ended(0, 0)
    end
    return vim.lsp.rpc.start(command, dispatchers, { cwd = wanted.cmd_cwd, env = wanted.cmd_env, detached = wanted.detached })
  end
end

---@param command string[]
---@return vim.lsp.Config
local function lsp_config(command)
  local version = tostring(vim.version())
  return {
    cmd = launcher(command),
    capabilities = {
      textDocument = { inlineCompletion = { dynamicRegistration = false } },
      -- Neovim makes such edits and does not say so. It asks once for all of an edit's doubts (0.12), and runs the action's command after a no: then what is
      -- doubtful is better left out.
      workspace = { workspaceEdit = { documentChanges = true, changeAnnotationSupport = vim.NIL } },
    },
    init_options = vim.tbl_extend('keep', config.options.init_options, {
      editorInfo = { name = 'Neovim', version = version },
      editorPluginInfo = { name = 'pilotlight.nvim', version = version },
    }),
    root_dir = function(bufnr, attach)
      if not config.off(bufnr) then
        attach(vim.fs.root(bufnr, config.options.root_markers))
      end
    end,
    reuse_client = reuse,
    handlers = {
      ['window/showMessage'] = function(_, result)
        if type(result) == 'table' and type(result.message) == 'string' then
          remember(result.message)
          -- LSP's error, warning, info, log are 1 to 4; Neovim's levels run the other way.
          tell(result.message:gsub('^[Pp]ilotlight: ', ''), 5 - (tonumber(result.type) or 3))
        end
      end,
      ['didChangeStatus'] = function(_, result)
        status.set(type(result) == 'table' and result or {})
      end,
      ['window/logMessage'] = function(err, result, ctx)
        if type(result) == 'table' and type(result.message) == 'string' then
          remember(result.message)
        end
        return vim.lsp.handlers['window/logMessage'](err, result, ctx)
      end,
    },
    on_init = function(client)
      status.set({ kind = 'Normal', message = M.server_name(client) })
    end,
    on_attach = function(client, bufnr)
      told[bufnr] = client.get_language_id(bufnr, vim.bo[bufnr].filetype)
      M.on_attach(client, bufnr)
    end,
  }
end

---@param client vim.lsp.Client
---@return string
function M.server_name(client)
  local info = client.server_info or {}
  return vim.trim(('%s %s'):format(info.name or NAME, info.version or ''))
end

---Finds the binary and lets Neovim attach it to every buffer that is on.
---@return boolean found
function M.start()
  local command, source = M.command()
  if not command then
    status.set({ kind = 'Error', message = 'no server binary; :checkhealth pilotlight' })
    remember('no server binary: ' .. source)
    tell('no server binary; :checkhealth pilotlight says more', vim.log.levels.ERROR)
    return false
  end
  if not M.get() then
    status.set({ kind = 'Inactive', message = 'not started' })
  end
  vim.lsp.config(NAME, lsp_config(command))
  enable(true)
  return true
end

---Stops the server; `done` runs once it is gone (killed if it does not go within two seconds).
---@param done? fun()
function M.stop(done)
  local clients = vim.lsp.get_clients({ name = NAME, _uninitialized = true })
  if process then
    process.stopping = true
  end
  enable(false)
  status.set({ kind = 'Inactive', message = 'stopped; :Pilotlight restart' })
  local polls = 0
  local function poll()
    local left = vim.iter(clients):filter(function(client)
      return not client:is_stopped()
    end)
    if not left:peek() then
      return done and done()
    end
    polls = polls + 1
    if polls == 40 then
      left:each(function(client)
        client:stop(true)
      end)
    end
    vim.defer_fn(poll, 50)
  end
  poll()
end

function M.restart()
  M.stop(vim.schedule_wrap(M.start))
end

---Attaches what was turned on and detaches what was turned off.
function M.sync()
  local client = M.get()
  for bufnr in pairs(client and vim.deepcopy(client.attached_buffers) or {}) do
    if config.off(bufnr) then
      vim.lsp.buf_detach_client(bufnr, client.id)
    end
  end
  -- After a crash nothing starts by itself: that is for :Pilotlight restart.
  if enabled then
    enable(true)
  end
  vim.cmd.redrawstatus({ bang = true })
end

---A buffer has another file type: it is opened anew, as another language. Neovim 0.12 does that by itself, and keeps the language with the buffer.
---@param bufnr integer
function M.retype(bufnr)
  local client = M.get(bufnr)
  if not client or client.attached_buffers[bufnr] ~= true or config.off(bufnr) then
    return
  end
  if told[bufnr] ~= client.get_language_id(bufnr, vim.bo[bufnr].filetype) then
    vim.lsp.buf_detach_client(bufnr, client.id)
    vim.lsp.buf_attach_client(bufnr, client.id)
  end
end

---Asks for ghost text. The pending changes of the buffer are sent first (Client:request does that).
---@param client vim.lsp.Client
---@param place pilotlight.Place
---@param trigger 1|2 Invoked, Automatic
---@param answer fun(err: lsp.ResponseError?, items: table[])
---@return fun() cancel
function M.ask(client, place, trigger, answer)
  local params = {
    textDocument = {
      uri = vim.uri_from_bufnr(place.bufnr),
      version = vim.lsp.util.buf_versions[place.bufnr],
    },
    position = {
      line = place.row,
      character = vim.str_utfindex(place.line, client.offset_encoding, place.col, false),
    },
    context = { triggerKind = trigger },
    formattingOptions = {
      tabSize = vim.lsp.util.get_effective_tabstop(place.bufnr),
      insertSpaces = vim.bo[place.bufnr].expandtab,
    },
  }
  local sent, id = client:request(INLINE, params, function(err, result)
    local items = type(result) == 'table' and (result.items or result) or {}
    answer(err, vim.islist(items) and items or {})
  end, place.bufnr)
  if not sent then
    answer({ code = 0, message = 'the server is gone' }, {})
  end
  return function()
    if sent and id and client.requests[id] and not client:is_stopped() then
      client:cancel_request(id)
    end
  end
end

---How the last answer for a buffer came about, in the server's words.
---@param client vim.lsp.Client
---@param bufnr integer
---@param answer fun(explanation: table?) nil when the server does not say
function M.explain(client, bufnr, answer)
  local params = { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }
  local sent = client:request('pilotlight/explain', params, function(err, result)
    answer(not err and type(result) == 'table' and result or nil)
  end, bufnr)
  if not sent then
    answer(nil)
  end
end

---The whole item is in the buffer.
---@param client vim.lsp.Client
---@param item table
---@param bufnr integer
function M.accepted(client, item, bufnr)
  if type(item.command) == 'table' then
    client:exec_cmd(item.command, { bufnr = bufnr })
  end
end

---The beginning of the item is in the buffer.
---@param client vim.lsp.Client
---@param item table
---@param length integer UTF-16 units of its insertText
function M.partially_accepted(client, item, length)
  client:notify('textDocument/didPartiallyAcceptCompletion', { item = item, acceptedLength = length })
end

---The person does not want the item. Copilot's protocol has no message for it; Pilotlight has a command.
---@param client vim.lsp.Client
---@param item table
---@param bufnr integer
function M.dismissed(client, item, bufnr)
  local known = vim.tbl_get(client.server_capabilities, 'executeCommandProvider', 'commands') or {}
  if type(item.command) == 'table' and vim.list_contains(known, 'pilotlight.dismiss') then
    client:exec_cmd({ title = 'Dismiss', command = 'pilotlight.dismiss', arguments = item.command.arguments }, { bufnr = bufnr })
  end
end

---The item is on the screen.
---@param client vim.lsp.Client
---@param item table
function M.shown(client, item)
  client:notify('textDocument/didShowCompletion', { item = item })
end

return M
