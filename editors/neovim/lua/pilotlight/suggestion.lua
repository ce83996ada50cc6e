-- One inline completion item in a buffer: where it goes, what is left of it after what has been typed since, and taking all or a part of it.
--
-- The server answers for the text and cursor of the request; by the time the answer is here, or a key is pressed, more may have been typed. So
-- nothing is ever applied at the item's range as it stands: an item lives only as long as the text between the start of its range and
-- the cursor is the beginning of its text, and the rest of both lines is what it was. That keeps ghost text still while the person types
-- what it says, and is what prevents typed characters from being duplicated on accept.

local M = {}

---@class pilotlight.Suggestion
---@field item table LSP's InlineCompletionItem, as received
---@field bufnr integer
---@field text string the item's text with '\n' line ends
---@field row integer 0-based row of the range
---@field col integer byte column where the range starts
---@field head string the line left of the range
---@field replaced string what the range covers right of the cursor of the request
---@field tail string the line right of the cursor of the request

---@class pilotlight.Place where the cursor was when the server was asked
---@field bufnr integer
---@field row integer 0-based
---@field col integer in bytes
---@field line string the line's text

---@return pilotlight.Place
function M.place()
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  return { bufnr = vim.api.nvim_get_current_buf(), row = row - 1, col = col, line = vim.api.nvim_get_current_line() }
end

---Byte column of an LSP position's `character`, clamped to the line.
---@param line string
---@param character integer
---@param encoding 'utf-8'|'utf-16'|'utf-32'
local function byte_column(line, character, encoding)
  return vim.str_byteindex(line, encoding, character, false)
end

---Reads an item for the place where it was asked for. nil when it is none that can be ghost text there: a snippet, another line, a
---replacement of what is left of the cursor.
---@param item any
---@param place pilotlight.Place
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return pilotlight.Suggestion?
function M.read(item, place, encoding)
  if type(item) ~= 'table' or type(item.insertText) ~= 'string' or item.insertText == '' then
    return nil
  end
  local first, last = place.col, place.col
  local range = item.range
  if type(range) == 'table' then
    local ok, from, to = pcall(function()
      assert(range.start.line == place.row and range['end'].line == place.row)
      return byte_column(place.line, range.start.character, encoding), byte_column(place.line, range['end'].character, encoding)
    end)
    if not ok or from > place.col or to < place.col then
      return nil
    end
    first, last = from, to
  end
  local text = item.insertText:gsub('\r\n?', '\n')
  if not vim.startswith(text, place.line:sub(first + 1, place.col)) then
    return nil
  end
  return {
    item = item,
    bufnr = place.bufnr,
    text = text,
    row = place.row,
    col = first,
    head = place.line:sub(1, first),
    replaced = place.line:sub(place.col + 1, last),
    tail = place.line:sub(place.col + 1),
  }
end

---What is still to come at the cursor of the current window; nil when the suggestion no longer belongs there.
---@param s pilotlight.Suggestion
---@return string?
function M.rest(s)
  local now = M.place()
  if now.bufnr ~= s.bufnr or now.row < s.row or (now.row == s.row and now.col < s.col) then
    return nil
  end
  if now.line:sub(now.col + 1) ~= s.tail or now.row - s.row > #s.text then
    return nil
  end
  local typed = vim.api.nvim_buf_get_lines(s.bufnr, s.row, now.row + 1, false)
  typed[#typed] = now.line:sub(1, now.col)
  if typed[1]:sub(1, s.col) ~= s.head then
    return nil
  end
  typed[1] = typed[1]:sub(s.col + 1)
  local so_far = table.concat(typed, '\n')
  if not vim.startswith(s.text, so_far) then
    return nil
  end
  local rest = s.text:sub(#so_far + 1)
  -- Nothing left, or only what is there already.
  return rest ~= '' and rest ~= s.replaced and rest or nil
end

---The next piece of `rest` to take: 'all'; 'word', with the blanks before it; 'line', to the end of the line, or of the next if the rest starts
---with a line break.
---@param rest string not empty
---@param unit 'all'|'word'|'line'
---@return string
function M.part(rest, unit)
  if unit == 'line' then
    return rest:match('^\n*[^\n]*')
  elseif unit == 'word' then
    -- A run of keyword characters ('iskeyword') or of others; blanks alone (the end of the text) go whole.
    local piece = vim.fn.matchstr(rest, [=[^\_s*\%(\k\+\|\%(\k\@![^[:space:]]\)\+\)]=])
    return piece ~= '' and piece or rest
  end
  return rest
end

---How much of the item is in the buffer after `rest` shrinks to `left`, as the protocol counts it: UTF-16 units from the start of its own
---text, with its own line ends.
---@param s pilotlight.Suggestion
---@param left string what remains to be taken
---@return integer
function M.accepted_length(s, left)
  local raw = s.item.insertText
  local wanted = #s.text - #left
  -- Walks both texts together: a line end of two bytes counts as one byte of `text`.
  local at, taken = 0, 0
  while taken < wanted do
    at = at + (raw:sub(at + 1, at + 2) == '\r\n' and 2 or 1)
    taken = taken + 1
  end
  return vim.str_utfindex(raw:sub(1, at), 'utf-16')
end

---Puts `piece`, the beginning of what `M.rest` gave, into the buffer and the cursor behind it. The last piece also removes what the range
---replaces.
---@param s pilotlight.Suggestion
---@param piece string
---@param is_last boolean
function M.insert(s, piece, is_last)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(piece, '\n', { plain = true })
  local replaced = is_last and #s.replaced or 0
  local function put()
    vim.api.nvim_buf_set_text(s.bufnr, row - 1, col, row - 1, col + replaced, lines)
    vim.api.nvim_win_set_cursor(0, { row + #lines - 1, #lines == 1 and col + #piece or #lines[#lines] })
    return true
  end
  if replaced > 0 then
    put()
    return
  end
  -- As pasted text it is repeated by `.` and by a count. What a person has made of pasting is not asked: it is put in as it is.
  local paste = vim.paste
  vim.paste = put
  local ok, err = pcall(vim.api.nvim_paste, piece, false, -1)
  vim.paste = paste
  if not ok then
    error(err, 0)
  end
end

return M
