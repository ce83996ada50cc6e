-- A language server that answers as it is told, for tests that need an exact answer at an exact time. Run by Neovim itself, so that it needs
-- nothing in the editor's root:
--
--   nvim -l fake_server.lua SCRIPT LOG
--
-- SCRIPT is JSON, read anew at each request, so a test may change it while the server runs:
--   rules        list; the first whose `before` ends the line left of the cursor answers:
--     before     plain text
--     items      list of {text, id?, back?, ahead?, no_range?, more?}: insertText; the argument of its `pilotlight.accept` command; how many units
--                left and right of the cursor the range covers; `more` is merged into the item
--     delay      milliseconds before the answer
--     deaf       go on after $/cancelRequest and answer all the same
--     error      a JSON-RPC error instead
--   next_edits   list of {line, from, to, text, name?, not_in_line?}, answered one after the other to pilotlight/nextEdit as `pilotlight.takeEdit` and
--                `pilotlight.dismissEdit` come in; `name` is another file beside the one asked about; none is
--                offered while the cursor is in the line `not_in_line`
--   explain      the answer to pilotlight/explain; without it there is no such method
--   encoding     positionEncoding, default utf-16
--   status       params of a didChangeStatus after `initialized`;  message  text of a window/showMessage then
--   keep         answer with the rest of the last item when what was typed since then is its beginning
-- LOG gets one JSON line for each message: {at: ms, from: "client" | "server", message}.

local script_path, log_path = arg[1], arg[2]
local log = assert(io.open(log_path, 'a'))
local documents = {} ---@type table<string, string>
local versions = {} ---@type table<string, integer>
local changed = false
local pending = {} ---@type table<any, {timer: uv.uv_timer_t, deaf: boolean}>
local last ---@type {uri: string, before: string, text: string, id: any}?
local done = false

local function script()
  local file = assert(io.open(script_path))
  local text = file:read('*a')
  file:close()
  return vim.json.decode(text, { luanil = { object = true } })
end

local function note(from, message)
  log:write(vim.json.encode({ at = vim.uv.hrtime() / 1e6, from = from, message = message }), '\n')
  log:flush()
end

local function send(message)
  message.jsonrpc = '2.0'
  note('server', message)
  local body = vim.json.encode(message)
  io.stdout:write(('Content-Length: %d\r\n\r\n%s'):format(#body, body))
  io.stdout:flush()
end

---@return string before the text left of the position, on its line
local function left_of(params)
  local lines = vim.split(documents[params.textDocument.uri] or '', '\r?\n')
  local line = lines[params.position.line + 1] or ''
  local encoding = script().encoding or 'utf-16'
  return line:sub(1, vim.str_byteindex(line, encoding, params.position.character, false))
end

local function item(params, spec)
  local at = params.position
  local range = {
    start = { line = at.line, character = at.character - (spec.back or 0) },
    ['end'] = { line = at.line, character = at.character + (spec.ahead or 0) },
  }
  local it = {
    insertText = spec.text,
    range = not spec.no_range and range or nil,
    command = { title = 'Accept', command = 'pilotlight.accept', arguments = { spec.id or 1 } },
  }
  return vim.tbl_extend('force', it, spec.more or {})
end

local function inline_completion(id, params)
  local now = script()
  local before = left_of(params)
  local rule = vim.iter(now.rules or {}):find(function(r)
    return vim.endswith(before, r.before)
  end)
  if not rule and now.keep and last and last.uri == params.textDocument.uri and vim.startswith(before, last.before) then
    local typed = before:sub(#last.before + 1)
    if typed ~= '' and vim.startswith(last.text, typed) and typed ~= last.text then
      rule = { items = { { text = last.text:sub(#typed + 1), id = last.id } } }
    end
  elseif rule and rule.items and rule.items[1] then
    last = { uri = params.textDocument.uri, before = before, text = rule.items[1].text, id = rule.items[1].id or 1 }
  end
  local function answer()
    pending[id] = nil
    if rule and rule.error then
      send({ id = id, error = rule.error })
    elseif rule then
      local items = vim.tbl_map(function(spec)
        return item(params, spec)
      end, rule.items)
      send({ id = id, result = { items = items } })
    else
      send({ id = id, result = vim.NIL })
    end
  end
  if rule and rule.delay then
    local timer = assert(vim.uv.new_timer())
    pending[id] = { timer = timer, deaf = rule.deaf == true }
    timer:start(rule.delay, 0, vim.schedule_wrap(answer))
  else
    answer()
  end
end

local handlers = {}

function handlers.initialize(id)
  local now = script()
  send({
    id = id,
    result = {
      serverInfo = { name = 'fake', version = '0' },
      capabilities = {
        positionEncoding = now.encoding or 'utf-16',
        textDocumentSync = { openClose = true, change = 1 },
        inlineCompletionProvider = true,
        codeActionProvider = now.actions ~= nil,
        executeCommandProvider = { commands = { 'pilotlight.accept', 'pilotlight.dismiss' } },
        workspace = { workspaceFolders = { supported = true, changeNotifications = true } },
      },
    },
  })
end

handlers['initialized'] = function()
  local status = script().status
  if status then
    send({ method = 'didChangeStatus', params = status })
  end
  local message = script().message
  if message then
    send({ method = 'window/showMessage', params = { type = 1, message = message } })
  end
  send({ method = 'window/logMessage', params = { type = 3, message = 'the fake server is ready' } })
end
handlers['textDocument/didOpen'] = function(_, params)
  documents[params.textDocument.uri] = params.textDocument.text
  versions[params.textDocument.uri] = params.textDocument.version
end
handlers['textDocument/didChange'] = function(_, params)
  documents[params.textDocument.uri] = params.contentChanges[#params.contentChanges].text
  versions[params.textDocument.uri] = params.textDocument.version
  changed = true
end
handlers['textDocument/didClose'] = function(_, params)
  documents[params.textDocument.uri] = nil
end
handlers['textDocument/inlineCompletion'] = inline_completion
handlers['$/cancelRequest'] = function(_, params)
  local request = pending[params.id]
  if request and not request.deaf then
    request.timer:stop()
    pending[params.id] = nil
    send({ id = params.id, error = { code = -32800, message = 'cancelled' } })
  end
end
handlers['pilotlight/explain'] = function(id)
  local explanation = script().explain
  if explanation then
    send({ id = id, result = explanation })
  else
    send({ id = id, error = { code = -32601, message = 'no such method: pilotlight/explain' } })
  end
end
handlers['textDocument/codeAction'] = function(id)
  send({ id = id, result = script().actions })
end
local taken = 0
handlers['pilotlight/nextEdit'] = function(id, params)
  local spec = (script().next_edits or {})[taken + 1]
  if not spec or not changed or (spec.not_in_line and params.position.line == spec.not_in_line) then
    return send({ id = id, result = { edits = {} } })
  end
  local uri = params.textDocument.uri
  uri = spec.name and uri:gsub('[^/]+$', spec.name) or uri
  local edit = {
    text = spec.text,
    range = { start = { line = spec.line, character = spec.from }, ['end'] = { line = spec.line, character = spec.to } },
    textDocument = { uri = uri, version = spec.version or versions[uri] },
    command = { title = 'Take', command = 'pilotlight.takeEdit', arguments = { taken + 1 } },
  }
  send({ id = id, result = { edits = { edit } } })
end
handlers['workspace/executeCommand'] = function(id, params)
  if params.command == 'pilotlight.takeEdit' or params.command == 'pilotlight.dismissEdit' then
    taken = taken + 1
  end
  send({ id = id, result = vim.NIL })
end
handlers['shutdown'] = function(id)
  send({ id = id, result = vim.NIL })
end
handlers['exit'] = function()
  done = true
end

local buffer = ''
local function receive(bytes)
  buffer = buffer .. bytes
  while true do
    local _, last_of_head, length = buffer:find('Content%-Length: (%d+)\r\n.-\r\n')
    if not length or #buffer < last_of_head + tonumber(length) then
      return
    end
    local message = vim.json.decode(buffer:sub(last_of_head + 1, last_of_head + tonumber(length)), { luanil = { object = true } })
    buffer = buffer:sub(last_of_head + tonumber(length) + 1)
    note('client', message)
    local handler = handlers[message.method]
    if handler then
      handler(message.id, message.params)
    elseif message.id and message.method then
      send({ id = message.id, error = { code = -32601, message = 'no such method: ' .. message.method } })
    end
  end
end

local stdin = assert(vim.uv.new_pipe())
assert(stdin:open(0))
stdin:read_start(vim.schedule_wrap(function(err, bytes)
  if err or not bytes then
    done = true
  else
    receive(bytes)
  end
end))
vim.wait(2 ^ 31 - 1, function()
  return done
end, 1000)
